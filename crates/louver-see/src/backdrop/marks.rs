//! Flags of cells, many at once.

/// Marks what lies within `room` cells, across or down, of what is marked.
pub(super) fn spread(marks: &mut [bool], columns: usize, room: usize, scratch: &mut Vec<bool>) {
    scratch.clear();
    scratch.extend_from_slice(marks);
    for (wide, row) in marks.chunks_exact_mut(columns).zip(scratch.chunks_exact(columns)) {
        for by in 1..=room.min(columns - 1) {
            or(&mut wide[by..], &row[..columns - by]);
            or(&mut wide[..columns - by], &row[by..]);
        }
    }
    scratch.copy_from_slice(marks);
    for by in (1..=room).map(|rows| rows * columns).take_while(|by| *by < scratch.len()) {
        or(&mut marks[by..], &scratch[..scratch.len() - by]);
        let rest = marks.len() - by;
        or(&mut marks[..rest], &scratch[by..]);
    }
}

fn or(marks: &mut [bool], others: &[bool]) {
    for (mark, other) in marks.iter_mut().zip(others) {
        *mark |= other;
    }
}

/// How many are marked; counted in bytes, many at once.
pub(super) fn count(marks: &[bool]) -> usize {
    let few = |chunk: &[bool]| chunk.iter().fold(0u8, |n, mark| n + u8::from(*mark));
    marks.chunks(usize::from(u8::MAX)).map(|chunk| usize::from(few(chunk))).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_near_a_mark_is_marked_and_nothing_else(
            columns in 1usize..20, rows in 1usize..12, room in 0usize..5, mut seed in any::<u64>(),
        ) {
            let mut marks: Vec<bool> = (0..columns * rows).map(|_| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(99);
                (seed >> 60) == 0
            }).collect();
            let before = marks.clone();
            prop_assert_eq!(count(&marks), marks.iter().filter(|m| **m).count());
            spread(&mut marks, columns, room, &mut Vec::new());
            for (n, mark) in marks.iter().enumerate() {
                let near = |m: usize| {
                    (n % columns).abs_diff(m % columns) <= room && (n / columns).abs_diff(m / columns) <= room
                };
                prop_assert_eq!(*mark, before.iter().enumerate().any(|(m, set)| *set && near(m)), "cell {}", n);
            }
        }
    }

    #[test]
    fn many_marks_are_counted_too() {
        assert_eq!(count(&[true; 1000]), 1000);
    }
}
