use louver_media::PictureSize;
use proptest::prelude::*;

use super::*;

fn zone(kind: ZoneKind, polygon: &[[f32; 2]]) -> Zone {
    Zone::new("a", kind, polygon.to_vec()).unwrap()
}

fn map(width: u32, height: u32, zones: &[Zone]) -> ZoneMap {
    ZoneMap::new(Grid::of(PictureSize::new(width, height).unwrap()), zones)
}

const CORNER: [[f32; 2]; 4] = [[0.0, 0.0], [25.0, 0.0], [25.0, 50.0], [0.0, 50.0]];

#[test]
fn a_zone_that_encloses_nothing_or_lies_outside_is_refused_in_words() {
    let said = |name: &str, points: &[[f32; 2]]| {
        Zone::new(name, ZoneKind::Exclude, points.to_vec()).unwrap_err().to_string()
    };
    assert!(said("a", &[[0.0, 0.0], [9.0, 9.0]]).contains("at least 3"));
    assert!(said("a", &[[0.0, 0.0]; 65]).contains("64 at most"));
    assert!(said("a", &[[0.0, 0.0], [9.0, 9.0], [9.0, 100.5]]).starts_with("point 3"));
    assert!(said("a", &[[0.0, f32::NAN], [9.0, 9.0], [9.0, 1.0]]).starts_with("point 1"));
    assert!(said("a", &[[0.0, 0.0], [9.0, 9.0], [50.0, 50.0], [3.0, 3.0]]).contains("one line"));
    assert!(said("  ", &CORNER).contains("name"));
}

#[test]
fn of_two_zones_on_a_cell_the_stricter_holds_whatever_their_order() {
    let (exclude, mask) = (zone(ZoneKind::Exclude, &CORNER), zone(ZoneKind::Mask, &CORNER));
    for zones in [[exclude.clone(), mask.clone()], [mask, exclude]] {
        assert_eq!(map(320, 180, &zones).at(0), Some(ZoneKind::Exclude));
    }
}

#[test]
fn a_box_that_reaches_into_an_excluded_part_is_cut_and_one_inside_is_gone() {
    let map = map(320, 180, &[zone(ZoneKind::Exclude, &CORNER)]);
    // The corner ends at 80,90; with the margin the cells up to 84,94 belong to it.
    let rect = |left, top, right, bottom| Rect { left, top, right, bottom };
    assert_eq!(map.cut(rect(10, 10, 60, 60)), None);
    assert_eq!(map.cut(rect(-10, 10, 120, 60)), Some(rect(84, 10, 120, 60)));
    assert_eq!(map.cut(rect(100, 10, 120, 60)), Some(rect(100, 10, 120, 60)));
    assert_eq!((map.seen_area(rect(10, 10, 60, 60)), map.seen_area(rect(62, 10, 94, 20))), (0, 100));
}

#[test]
fn a_picture_of_another_size_is_made_flat_whole() {
    let size = PictureSize::new(64, 64).unwrap();
    let mut picture = Picture::flat(size, 200, 30, 220);
    map(320, 180, &[zone(ZoneKind::Mask, &CORNER)]).blank(&mut picture);
    assert_eq!(picture.y[9], 200, "nothing is excluded");
    map(320, 180, &[zone(ZoneKind::Exclude, &CORNER)]).blank(&mut picture);
    assert!(!picture.y.contains(&200) && !picture.u.contains(&30) && !picture.v.contains(&220));
}

fn polygons() -> impl Strategy<Value = Vec<[f32; 2]>> {
    prop::collection::vec((0.0f32..=100.0, 0.0f32..=100.0).prop_map(|(x, y)| [x, y]), 3..9)
}

/// Whether a point lies in the polygon, by rays in the even-odd way: another way than the one under test.
fn inside(polygon: &[[f32; 2]], x: f64, y: f64) -> bool {
    let mut odd = false;
    for (n, a) in polygon.iter().enumerate() {
        let b = polygon[(n + 1) % polygon.len()];
        let (a, b) = ((f64::from(a[0]), f64::from(a[1])), (f64::from(b[0]), f64::from(b[1])));
        if (a.1 > y) != (b.1 > y) && x < (b.0 - a.0) * (y - a.1) / (b.1 - a.1) + a.0 {
            odd = !odd;
        }
    }
    odd
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_pixel_inside_a_zone_keeps_its_luma_or_colour(
        polygon in polygons(),
        width in 8u32..400,
        height in 8u32..300,
    ) {
        let Ok(zone) = Zone::new("a", ZoneKind::Exclude, polygon.clone()) else { return Ok(()) };
        let Some(size) = PictureSize::new(width, height) else { return Ok(()) };
        let mut picture = Picture::flat(size, 200, 30, 220);
        map(width, height, &[zone]).blank(&mut picture);
        let (w, h) = (size.width(), size.height());
        for y in 0..h {
            for x in 0..w {
                // Any of some points of the pixel.
                let hidden = [0.01, 0.5, 0.99].iter().any(|dy| [0.01, 0.5, 0.99].iter().any(|dx| {
                    inside(&polygon, (x as f64 + dx) / w as f64 * 100.0, (y as f64 + dy) / h as f64 * 100.0)
                }));
                let c = y / 2 * (w / 2) + x / 2;
                prop_assert!(!hidden || picture.y[y * w + x] != 200, "luma {x},{y}");
                prop_assert!(!hidden || (picture.u[c] != 30 && picture.v[c] != 220), "chroma {x},{y}");
            }
        }
    }

    #[test]
    fn what_is_left_of_a_box_lies_in_it_and_covers_all_of_it_that_may_be_seen(
        polygon in polygons(),
        left in -50i32..350, top in -50i32..200, wide in 1i32..200, high in 1i32..200,
    ) {
        let Ok(zone) = Zone::new("a", ZoneKind::Exclude, polygon) else { return Ok(()) };
        let map = map(320, 180, &[zone]);
        let rect = Rect { left, top, right: left + wide, bottom: top + high };
        let seen = map.seen_area(rect);
        match map.cut(rect) {
            None => prop_assert_eq!(seen, 0),
            Some(cut) => {
                prop_assert_eq!(cut.intersection(rect), cut);
                prop_assert_eq!(map.seen_area(cut), seen);
            }
        }
    }
}
