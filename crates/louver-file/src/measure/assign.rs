//! Who goes with whom, so that the whole fits best (Kuhn 1955, in Jonker and Volgenant's form with potentials).

/// For each row the column that it is given, so that the sum of `gain` is largest; no column is given twice, and a row goes
/// without where nothing above 0 is left for it. Rows are of one length; gains are 0 or more.
pub(super) fn assign(gain: &[Vec<f64>]) -> Vec<Option<usize>> {
    let (rows, columns) = (gain.len(), gain.first().map_or(0, Vec::len));
    let side = rows.max(columns);
    let most = gain.iter().flatten().copied().fold(0.0, f64::max);
    // A square of costs: what is missing gains nothing.
    let cost = |r: usize, c: usize| most - gain.get(r).and_then(|row| row.get(c)).copied().unwrap_or(0.0);
    let mut row_of = vec![usize::MAX; side + 1];
    let (mut u, mut v) = (vec![0.0; side + 1], vec![0.0; side + 1]);
    for row in 0..side {
        let mut least = vec![f64::INFINITY; side + 1];
        let (mut done, mut way) = (vec![false; side + 1], vec![side; side + 1]);
        // Column `side` stands for the row that looks for one.
        row_of[side] = row;
        let mut column = side;
        loop {
            done[column] = true;
            let r = row_of[column];
            let (mut step, mut next) = (f64::INFINITY, side);
            for c in (0..side).filter(|&c| !done[c]) {
                let slack = cost(r, c) - u[r] - v[c];
                if slack < least[c] {
                    (least[c], way[c]) = (slack, column);
                }
                if least[c] < step {
                    (step, next) = (least[c], c);
                }
            }
            for c in 0..=side {
                if done[c] {
                    u[row_of[c]] += step;
                    v[c] -= step;
                } else {
                    least[c] -= step;
                }
            }
            column = next;
            if row_of[column] == usize::MAX {
                break;
            }
        }
        while column != side {
            row_of[column] = row_of[way[column]];
            column = way[column];
        }
    }
    let mut given = vec![None; rows];
    for (c, &r) in row_of.iter().enumerate().take(columns) {
        if r < rows && gain[r][c] > 0.0 {
            given[r] = Some(c);
        }
    }
    given
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn best(gain: &[Vec<f64>], row: usize, taken: &mut Vec<usize>) -> f64 {
        if row == gain.len() {
            return 0.0;
        }
        let mut most = best(gain, row + 1, taken);
        for c in 0..gain[row].len() {
            if !taken.contains(&c) {
                taken.push(c);
                most = most.max(gain[row][c] + best(gain, row + 1, taken));
                taken.pop();
            }
        }
        most
    }

    #[test]
    fn nobody_takes_what_another_needs_more() {
        assert_eq!(assign(&[vec![5.0, 4.0], vec![5.0, 0.0]]), [Some(1), Some(0)]);
        assert_eq!(assign(&[vec![0.0, 0.0, 2.0]]), [Some(2)]);
        assert_eq!(assign(&[vec![1.0], vec![3.0], vec![2.0]]), [None, Some(0), None]);
        assert_eq!(assign(&[vec![], vec![]]), [None, None]);
        assert!(assign(&[]).is_empty());
    }

    proptest! {
        #[test]
        fn the_sum_is_the_largest_there_is(rows in 0usize..5, columns in 0usize..5, seed in prop::collection::vec(0u8..9, 25)) {
            let gain: Vec<Vec<f64>> =
                (0..rows).map(|r| (0..columns).map(|c| f64::from(seed[r * 5 + c])).collect()).collect();
            let given = assign(&gain);
            let sum: f64 = given.iter().enumerate().filter_map(|(r, c)| c.map(|c| gain[r][c])).sum();
            let mut columns: Vec<_> = given.iter().flatten().collect();
            columns.sort();
            columns.dedup();
            prop_assert_eq!(columns.len(), given.iter().flatten().count());
            prop_assert_eq!(sum, best(&gain, 0, &mut Vec::new()));
        }
    }
}
