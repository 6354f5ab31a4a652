//! Where a head is, what lies outside the people, and when two pixels differ.

use louver_media::Picture;
use louver_scene::Rect;

/// Levels of luma by which a pixel differs from the empty place; half of it for chroma. A person's edge against the
/// ground of the clips differs by 20 and more; coding noise and sway stay below.
const DIFFERS: u8 = 25;
/// Boxes are widened by this share when asking what lies outside them (DESIGN 4).
pub(crate) const OUTSIDE: f32 = 0.15;

/// The top 18 % by the middle 50 % of a person's box.
pub(crate) fn head_zone(r: Rect) -> Rect {
    let (w, h) = (f64::from(r.right - r.left), f64::from(r.bottom - r.top));
    Rect {
        left: r.left + (w * 0.25).round() as i32,
        right: r.right - (w * 0.25).round() as i32,
        top: r.top,
        bottom: r.top + (h * 0.18).round().max(1.0) as i32,
    }
}

pub(crate) fn each_pixel(rect: Rect, w: usize, h: usize, mut act: impl FnMut(usize)) {
    let inside = rect.intersection(Rect { left: 0, top: 0, right: w as i32, bottom: h as i32 });
    for y in inside.top..inside.bottom {
        for x in inside.left..inside.right {
            act(y as usize * w + x as usize);
        }
    }
}

pub(crate) fn differs(a: &Picture, b: &Picture, x: usize, y: usize) -> bool {
    let w = a.size.width();
    let c = (y / 2) * (w / 2) + x / 2;
    a.y[y * w + x].abs_diff(b.y[y * w + x]) > DIFFERS
        || a.u[c].abs_diff(b.u[c]) > DIFFERS / 2
        || a.v[c].abs_diff(b.v[c]) > DIFFERS / 2
}
