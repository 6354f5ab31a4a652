//! Crowds: where people stand close together, the detector counts too few of them, and who is not found stands between those
//! who are. There the room between neighbours is masked too.

use louver_scene::Rect;

use crate::track::padded;

/// People who stand together at the least for a crowd.
const CROWD: usize = 5;
/// Room around each, share of his sides, within which another one stands close: half a body's width from shoulder to shoulder.
const CLOSE: f32 = 0.25;

/// What is masked of crowds beside the people themselves: for each two neighbours the box around both.
pub(super) fn between(people: &[Rect]) -> Vec<Rect> {
    let near: Vec<Rect> = people.iter().map(|r| padded(*r, CLOSE)).collect();
    let meets = |a: usize, b: usize| a != b && near[a].intersection(near[b]).area() > 0;
    let mut group: Vec<Option<usize>> = vec![None; people.len()];
    let mut sizes = Vec::new();
    for first in 0..people.len() {
        if group[first].is_some() {
            continue;
        }
        let (number, mut todo, mut size) = (sizes.len(), vec![first], 0);
        group[first] = Some(number);
        while let Some(one) = todo.pop() {
            size += 1;
            for other in (0..people.len()).filter(|o| meets(one, *o)) {
                if group[other].is_none() {
                    group[other] = Some(number);
                    todo.push(other);
                }
            }
        }
        sizes.push(size);
    }
    let crowded = |n: usize| group[n].and_then(|g| sizes.get(g)).is_some_and(|size| *size >= CROWD);
    let mut between = Vec::new();
    for a in (0..people.len()).filter(|a| crowded(*a)) {
        between.extend((0..a).filter(|b| meets(a, *b)).map(|b| around(people[a], people[b])));
    }
    between
}

fn around(a: Rect, b: Rect) -> Rect {
    Rect {
        left: a.left.min(b.left),
        top: a.top.min(b.top),
        right: a.right.max(b.right),
        bottom: a.bottom.max(b.bottom),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(people: i32, apart: i32) -> Vec<Rect> {
        (0..people)
            .map(|n| Rect { left: n * apart, top: n % 2 * 10, right: n * apart + 20, bottom: 60 + n })
            .collect()
    }

    #[test]
    fn between_people_of_a_crowd_everything_is_masked_and_between_few_or_far_ones_nothing() {
        let crowd = row(6, 26);
        let masked = between(&crowd);
        for two in crowd.windows(2) {
            let gap = Rect { left: two[0].right, top: 10, right: two[1].left, bottom: 60 };
            assert!(masked.iter().any(|r| r.intersection(gap) == gap), "{gap:?}");
        }
        assert!(between(&row(4, 26)).is_empty(), "four are no crowd");
        assert!(between(&row(9, 80)).is_empty(), "nobody stands close");
        assert!(between(&[]).is_empty());
    }

    #[test]
    fn a_crowd_masks_nothing_of_who_stands_apart_from_it() {
        let mut people = row(5, 26);
        people.push(Rect { left: 400, top: 0, right: 420, bottom: 60 });
        let masked = between(&people);
        assert!(!masked.is_empty() && masked.iter().all(|r| r.right < 200));
    }
}
