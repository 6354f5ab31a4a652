//! The scenes: what happens in each, picture by picture.

use louver_base::MediaTime;
use louver_media::{Picture, PictureSize};
use louver_scene::Rect;

use super::change::{Noise, lit, view};
use super::clip::{Clip, Sighted};
use super::coded::Coded;
use super::cutout::Cutout;
use super::{BuiltScene, Light, Size, Still, Turn};
use crate::measure::{DIFFERS, Place, differs, each_pixel, widened};
use crate::{FileError, TruthBox};

/// One picture of a scene, and who really is in it.
#[derive(Debug)]
pub(super) struct Shot {
    pub(super) picture: Picture,
    pub(super) people: Vec<TruthBox>,
}

type Shoot<'a> = Box<dyn FnMut(u64) -> Result<Option<Shot>, FileError> + 'a>;

/// A scene, ready to be played.
pub(super) struct Script<'a> {
    pub(super) size: PictureSize,
    pub(super) frames: u64,
    /// The picture in which it happens.
    pub(super) event: u64,
    /// Whom it is about, by a number of the truth.
    pub(super) subject: Option<u32>,
    pub(super) place: Place,
    /// Picture by picture, in order; nothing where none arrives.
    pub(super) shoot: Shoot<'a>,
}

/// Somebody pasted in has his number in the truth and this.
const PASTED: u32 = 1_000_000;
/// Seconds before something happens: long enough to learn the place.
const BEFORE: f64 = 40.0;
/// Seconds after.
const AFTER: f64 = 50.0;
/// Seconds that somebody stands still.
const STILL: f64 = 600.0;
/// Pixels that the camera is shifted by.
const SHIFT: usize = 20;
/// Heights a second of a walker: 1.4 m at 1.75 m.
const PACE: f32 = 0.8;

impl<'a> Script<'a> {
    /// Builds a scene; `None` where the clip has nothing to build it of.
    pub(super) fn of(scene: BuiltScene, clip: &'a Clip) -> Result<Option<Self>, FileError> {
        Ok(match scene {
            BuiltScene::Still(still) => Self::still(still, clip),
            BuiltScene::Light(light) => Some(Self::light(light, clip)),
            BuiltScene::Exposure => Some(Self::exposure(clip)),
            BuiltScene::Crowd => Some(Self::crowd(clip)),
            BuiltScene::Turned(turn) => Self::turned(turn, clip),
            BuiltScene::Loss => Some(Self::loss(clip)?),
            BuiltScene::Night => Some(Self::night(clip)?),
            BuiltScene::Small(size) => Self::small(size, clip),
        })
    }

    fn plain(clip: &'a Clip, frames: u64, event: u64, shoot: Shoot<'a>) -> Self {
        let place = Place::of(clip.place.clone());
        Self { size: clip.size, frames, event, subject: None, place, shoot }
    }

    /// Somebody stands still for ten minutes, the same to the last pixel, while life goes on around. He himself, as he walks on
    /// in the clip, is painted out.
    fn still(still: Still, clip: &'a Clip) -> Option<Self> {
        // Who walks in has been in the picture for eight seconds.
        let walked = if still == Still::WalksIn { clip.frames(8.0) as usize } else { 0 };
        let alone = clip.alone(walked);
        let part = match still {
            Still::Far => 0.1,
            Still::FromStart | Still::WalksIn | Still::Appears => 0.5,
            Still::Near => 0.9,
        };
        let Sighted { frame, person } = *alone.get((alone.len() as f64 * part) as usize)?;
        let cutout = Cutout::of(&clip.pictures[frame], &clip.empty, person.rect);
        let from = frame.saturating_sub(clip.frames(BEFORE) as usize);
        let event = match still {
            Still::FromStart => 0,
            Still::WalksIn => (frame - from) as u64,
            Still::Appears | Still::Far | Still::Near => clip.frames(BEFORE),
        };
        let subject = TruthBox { id: PASTED + person.id, rect: person.rect };
        let shoot = move |n| {
            let at = clip.turn(from, n);
            let mut picture = clip.pictures[at].clone();
            let mut people = clip.people(at).to_vec();
            let walks_in = still == Still::WalksIn && n < event;
            if walks_in {
                people.iter_mut().filter(|p| p.id == person.id).for_each(|p| p.id = subject.id);
            } else {
                paint_out(clip, &mut picture, &mut people, person.id);
            }
            if n >= event {
                stand(clip, &mut picture, &people, &cutout, person.rect);
                people.push(subject);
            }
            Ok(Some(Shot { picture, people }))
        };
        let frames = event + clip.frames(STILL);
        let mut script = Self::plain(clip, frames, event, Box::new(shoot));
        script.subject = Some(subject.id);
        Some(script)
    }

    /// The light changes from one picture to the next.
    fn light(light: Light, clip: &'a Clip) -> Self {
        let gain = match light {
            Light::Up => 1.4,
            Light::Down => 0.6,
        };
        let event = clip.frames(BEFORE);
        let shoot = move |n| {
            let at = clip.turn(0, n);
            let picture = if n < event { clip.pictures[at].clone() } else { lit(&clip.pictures[at], gain) };
            Ok(Some(Shot { picture, people: clip.people(at).to_vec() }))
        };
        let mut script = Self::plain(clip, event + clip.frames(AFTER), event, Box::new(shoot));
        script.place.looks.push(clip.place.changed(|p| lit(p, gain)));
        script
    }

    /// Exposure goes down and comes back, as it does with each car that passes. The backdrop may show the place in the light of
    /// before or in the one that lasts, and no other.
    fn exposure(clip: &'a Clip) -> Self {
        const LEAST: f32 = 0.6;
        let event = clip.frames(BEFORE);
        let gain = move |n: u64| {
            let seconds = (n.saturating_sub(event) as f64 / clip.fps % 10.0) as f32;
            1.0 - (1.0 - LEAST) * seconds.min(5.0 - seconds).clamp(0.0, 1.0)
        };
        let shoot = move |n| {
            let at = clip.turn(0, n);
            Ok(Some(Shot { picture: lit(&clip.pictures[at], gain(n)), people: clip.people(at).to_vec() }))
        };
        let mut script = Self::plain(clip, event + clip.frames(AFTER), event, Box::new(shoot));
        script.place.looks.push(clip.place.changed(|p| lit(p, LEAST)));
        script
    }

    /// The clip begins where most people are in it.
    fn crowd(clip: &'a Clip) -> Self {
        let from = clip.most_crowded();
        let shoot = move |n| {
            let at = clip.turn(from, n);
            Ok(Some(Shot { picture: clip.pictures[at].clone(), people: clip.people(at).to_vec() }))
        };
        Self::plain(clip, clip.frames(BEFORE + AFTER), 0, Box::new(shoot))
    }

    /// The camera is turned: another part of each picture is seen.
    fn turned(turn: Turn, clip: &'a Clip) -> Option<Self> {
        let width = clip.size.width().checked_sub(SHIFT)?;
        let size = PictureSize::new(width as u32, clip.size.height() as u32)?;
        let (event, takes) = (clip.frames(BEFORE), clip.frames(2.0));
        let left = move |n: u64| match turn {
            _ if n < event => 0,
            Turn::AtOnce => SHIFT,
            // Even steps, so that colour and brightness stay together.
            Turn::Slowly => ((n - event) as usize * SHIFT / takes.max(1) as usize).min(SHIFT) & !1,
        };
        let shoot = move |n| {
            let (at, left) = (clip.turn(0, n), left(n));
            let people = clip.people(at).iter().filter_map(|p| p.moved(left as i32, size)).collect();
            Ok(Some(Shot { picture: view(&clip.pictures[at], left, size), people }))
        };
        let mut script = Self::plain(clip, event + clip.frames(AFTER), event, Box::new(shoot));
        let views: Vec<usize> = match turn {
            Turn::AtOnce => vec![0, SHIFT],
            Turn::Slowly => (0..=SHIFT).step_by(2).collect(),
        };
        script.place.looks =
            views.into_iter().map(|left| clip.place.changed(|p| view(p, left, size))).collect();
        script.size = size;
        Some(script)
    }

    /// Three packets of ten are lost.
    fn loss(clip: &'a Clip) -> Result<Self, FileError> {
        let mut coded = Coded::new(clip.size, clip.fps, 0.3)?;
        let shoot = move |n| {
            let at = clip.turn(0, n);
            let shot = |picture| Shot { picture, people: clip.people(at).to_vec() };
            Ok(coded.through(&clip.pictures[at], n, time(n, clip.fps))?.map(shot))
        };
        Ok(Self::plain(clip, clip.frames(BEFORE + AFTER), 0, Box::new(shoot)))
    }

    /// The clip at night: a third of the light, a sensor's noise at full gain, and coded.
    fn night(clip: &'a Clip) -> Result<Self, FileError> {
        const GAIN: f32 = 0.35;
        let mut coded = Coded::new(clip.size, clip.fps, 0.0)?;
        let mut noise = Noise::new();
        let shoot = move |n| {
            let at = clip.turn(0, n);
            let mut picture = lit(&clip.pictures[at], GAIN);
            noise.add(&mut picture, 12.0);
            let shot = |picture| Shot { picture, people: clip.people(at).to_vec() };
            Ok(coded.through(&picture, n, time(n, clip.fps))?.map(shot))
        };
        let mut script = Self::plain(clip, clip.frames(BEFORE + AFTER), 0, Box::new(shoot));
        // Contrasts are a third of the day's, and less than the noise: means over 5x5 pixels are compared.
        let beyond = (f32::from(DIFFERS) * GAIN).round() as u8;
        script.place = Place { looks: vec![clip.place.changed(|p| lit(p, GAIN))], beyond, around: 2 };
        Ok(script)
    }

    /// One walker of a given height crosses the empty place.
    fn small(size: Size, clip: &'a Clip) -> Option<Self> {
        let height = size.pixels();
        let strides: Vec<Cutout> = walk(clip)?
            .into_iter()
            .map(|s| Cutout::of(&clip.pictures[s.frame], &clip.empty, s.person.rect).scaled(height))
            .collect();
        let (w, h) = (clip.size.width() as f32, clip.size.height() as f32);
        let event = clip.frames(BEFORE);
        let (fps, seconds) = (clip.fps as f32, AFTER as f32);
        let path = PACE * height as f32 * seconds;
        // The smaller, the farther up; the walk is in the middle, or from edge to edge.
        let (first, feet) = (((w - path) / 2.0).max(-(height as f32)), h * (0.3 + height as f32 / 160.0));
        let mut noise = Noise::new();
        let shoot = move |n: u64| {
            let mut picture = (*clip.empty).clone();
            let mut people = Vec::new();
            if n >= event {
                let x = first + (n - event) as f32 * PACE * height as f32 / fps;
                let stride = &strides[n as usize % strides.len()];
                let rect = stride.paste(&mut picture, x as i32, feet as i32 - height as i32, |_, _| false);
                let whole = Rect { left: 0, top: 0, right: w as i32, bottom: h as i32 };
                if rect.intersection(whole) == rect {
                    people.push(TruthBox { id: PASTED, rect });
                }
            }
            noise.add(&mut picture, 2.0);
            Ok(Some(Shot { picture, people }))
        };
        let mut script = Self::plain(clip, event + clip.frames(AFTER), event, Box::new(shoot));
        script.subject = Some(PASTED);
        Some(script)
    }
}

/// When picture `n` was taken.
pub(super) fn time(n: u64, fps: f64) -> MediaTime {
    MediaTime::from_ticks((n as f64 * 90_000.0 / fps).round() as i64)
}

/// Paints somebody out with the empty place, but for what others cover, and takes him out of the truth.
fn paint_out(clip: &Clip, picture: &mut Picture, people: &mut Vec<TruthBox>, id: u32) {
    let Some(at) = people.iter().position(|p| p.id == id) else { return };
    let gone = people.remove(at);
    let w = clip.size.width();
    each_pixel(widened(gone.rect, 0.25), w, clip.size.height(), |n| {
        let (x, y) = ((n % w) as i32, (n / w) as i32);
        let others = people
            .iter()
            .any(|p| (p.rect.left..p.rect.right).contains(&x) && (p.rect.top..p.rect.bottom).contains(&y));
        if !others {
            picture.y[n] = clip.empty.y[n];
            let c = n / w / 2 * (w / 2) + n % w / 2;
            (picture.u[c], picture.v[c]) = (clip.empty.u[c], clip.empty.v[c]);
        }
    });
}

/// Pastes somebody where he was cut out; who comes nearer to the camera passes before him.
fn stand(clip: &Clip, picture: &mut Picture, people: &[TruthBox], cutout: &Cutout, rect: Rect) {
    let w = clip.size.width();
    let nearer: Vec<Rect> = people.iter().map(|p| p.rect).filter(|r| r.bottom > rect.bottom).collect();
    let live = picture.clone();
    cutout.paste(picture, rect.left, rect.top, |x, y| {
        let inside =
            |r: &Rect| (r.left..r.right).contains(&(x as i32)) && (r.top..r.bottom).contains(&(y as i32));
        nearer.iter().any(inside) && differs(&live, &clip.empty, y * w + x, DIFFERS / 2)
    });
}

/// Pictures of one person walking alone, one after the other: the tallest such second of the clip.
fn walk(clip: &Clip) -> Option<Vec<Sighted>> {
    let stride = clip.frames(1.0).max(1) as usize;
    let alone = clip.alone(0);
    let runs = alone.iter().rev().filter_map(|s| {
        let run: Vec<Sighted> = (s.frame..s.frame + stride)
            .filter_map(|frame| {
                let person = *clip.people(frame).iter().find(|p| p.id == s.person.id)?;
                (frame < clip.pictures.len()).then_some(Sighted { frame, person })
            })
            .collect();
        let moved = run.last()?.person.rect.left - s.person.rect.left;
        // To the right, as he will walk.
        (run.len() == stride && moved > (s.person.rect.bottom - s.person.rect.top) / 4).then_some(run)
    });
    runs.into_iter().next()
}

impl TruthBox {
    /// Where somebody is in a view that begins `left` pixels further right; `None` if he is not wholly in it.
    fn moved(&self, left: i32, size: PictureSize) -> Option<Self> {
        let Rect { left: l, top, right, bottom } = self.rect;
        let rect = Rect { left: l - left, top, right: right - left, bottom };
        (rect.left >= 0 && rect.right <= size.width() as i32).then_some(Self { id: self.id, rect })
    }
}

#[cfg(test)]
mod tests;
