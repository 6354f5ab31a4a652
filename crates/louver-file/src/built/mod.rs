//! Built scenes: what a clip does not show, made of its own pixels and its ground truth, the same each time. The hard cases of
//! masking: somebody who stands still for ten minutes, light, a turned camera, lost packets, night, small figures.

mod change;
mod clip;
mod coded;
mod cutout;
mod run;
mod script;

use std::str::FromStr;

pub(crate) use change::Noise;
pub use run::{Playing, SceneReport, ScenesReport, Subject, measure_scenes};

/// One built scene.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuiltScene {
    /// Somebody stands still for ten minutes.
    Still(Still),
    /// The light changes from one picture to the next.
    Light(Light),
    /// The camera's exposure goes down and comes back, over and over.
    Exposure,
    /// The stream begins in the middle of the crowd.
    Crowd,
    /// The camera is turned by 20 pixels.
    Turned(Turn),
    /// Three packets of ten are lost.
    Loss,
    /// A third of the light, and noise.
    Night,
    /// One small walker.
    Small(Size),
}

/// How somebody comes to stand still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Still {
    /// He stands there in the first picture.
    FromStart,
    /// He walks in.
    WalksIn,
    /// He is there from one picture to the next, in a place that is known.
    Appears,
    /// The same, one of the smallest.
    Far,
    /// The same, one of the tallest.
    Near,
}

/// How the light changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Light {
    /// By +40 %.
    Up,
    /// By -40 %.
    Down,
}

/// How the camera is turned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// From one picture to the next.
    AtOnce,
    /// Over two seconds.
    Slowly,
}

/// How high a walker is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// 16 pixels.
    P16,
    /// 24 pixels.
    P24,
    /// 32 pixels.
    P32,
    /// 48 pixels.
    P48,
}

impl Size {
    /// In pixels.
    pub const fn pixels(self) -> usize {
        match self {
            Self::P16 => 16,
            Self::P24 => 24,
            Self::P32 => 32,
            Self::P48 => 48,
        }
    }
}

impl BuiltScene {
    /// Every scene, in the order of reports.
    pub const ALL: [Self; 17] = [
        Self::Still(Still::FromStart),
        Self::Still(Still::WalksIn),
        Self::Still(Still::Appears),
        Self::Still(Still::Far),
        Self::Still(Still::Near),
        Self::Light(Light::Up),
        Self::Light(Light::Down),
        Self::Exposure,
        Self::Crowd,
        Self::Turned(Turn::AtOnce),
        Self::Turned(Turn::Slowly),
        Self::Loss,
        Self::Night,
        Self::Small(Size::P16),
        Self::Small(Size::P24),
        Self::Small(Size::P32),
        Self::Small(Size::P48),
    ];

    /// The word that names it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Still(Still::FromStart) => "still-from-start",
            Self::Still(Still::WalksIn) => "still-walks-in",
            Self::Still(Still::Appears) => "still-appears",
            Self::Still(Still::Far) => "still-far",
            Self::Still(Still::Near) => "still-near",
            Self::Light(Light::Up) => "light-up",
            Self::Light(Light::Down) => "light-down",
            Self::Exposure => "exposure",
            Self::Crowd => "crowd",
            Self::Turned(Turn::AtOnce) => "turned",
            Self::Turned(Turn::Slowly) => "turned-slowly",
            Self::Loss => "loss",
            Self::Night => "night",
            Self::Small(Size::P16) => "small-16",
            Self::Small(Size::P24) => "small-24",
            Self::Small(Size::P32) => "small-32",
            Self::Small(Size::P48) => "small-48",
        }
    }

    /// What happens in it, for people.
    pub const fn says(self) -> &'static str {
        match self {
            Self::Still(Still::FromStart) => {
                "somebody stands still for ten minutes, from the first picture on"
            }
            Self::Still(Still::WalksIn) => "somebody walks in and stands still for ten minutes",
            Self::Still(Still::Appears) => {
                "somebody is there from one picture to the next, in a known place, and stands still for ten minutes"
            }
            Self::Still(Still::Far) => "the same, far away",
            Self::Still(Still::Near) => "the same, near",
            Self::Light(Light::Up) => "the light steps up by 40 % in one picture",
            Self::Light(Light::Down) => "the light steps down by 40 % in one picture",
            Self::Exposure => {
                "every ten seconds exposure takes the light down by 40 % within a second, for three, and back within one"
            }
            Self::Crowd => "the stream begins where most people are in the picture",
            Self::Turned(Turn::AtOnce) => "the camera is turned by 20 pixels in one picture",
            Self::Turned(Turn::Slowly) => "the camera is turned by 20 pixels over two seconds",
            Self::Loss => "three packets of ten are lost (H.264, a key frame every two seconds)",
            Self::Night => "a third of the light, sensor noise of 12 levels, coded as H.264",
            Self::Small(Size::P16) => "one walker, 16 pixels high, crosses the empty place",
            Self::Small(Size::P24) => "one walker, 24 pixels high, crosses the empty place",
            Self::Small(Size::P32) => "one walker, 32 pixels high, crosses the empty place",
            Self::Small(Size::P48) => "one walker, 48 pixels high, crosses the empty place",
        }
    }
}

impl FromStr for BuiltScene {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|s| s.as_str() == text).ok_or_else(|| {
            let all: Vec<&str> = Self::ALL.into_iter().map(Self::as_str).collect();
            format!("\"{text}\" is not a built scene: {}", all.join(", "))
        })
    }
}
