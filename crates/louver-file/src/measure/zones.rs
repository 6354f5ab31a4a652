//! Where a head is, and what lies around a box.

use louver_scene::Rect;

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

/// A box with so much of its sides added on each side.
pub(crate) fn widened(r: Rect, share: f32) -> Rect {
    let (w, h) = ((r.right - r.left) as f32, (r.bottom - r.top) as f32);
    let (x, y) = ((w * share).ceil() as i32, (h * share).ceil() as i32);
    Rect { left: r.left - x, top: r.top - y, right: r.right + x, bottom: r.bottom + y }
}

/// Calls `act` with the number of every pixel of a picture of `w` by `h` that lies in `rect`.
pub(crate) fn each_pixel(rect: Rect, w: usize, h: usize, mut act: impl FnMut(usize)) {
    let inside = rect.intersection(Rect { left: 0, top: 0, right: w as i32, bottom: h as i32 });
    for y in inside.top..inside.bottom {
        for x in inside.left..inside.right {
            act(y as usize * w + x as usize);
        }
    }
}
