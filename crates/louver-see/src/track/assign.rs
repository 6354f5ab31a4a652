//! Who goes with whom: the assignment that costs least in all.

/// Costs of pairs, row by row; a pair that may not be is `None`.
#[derive(Clone, Debug)]
pub(super) struct Costs {
    columns: usize,
    cells: Vec<Option<f32>>,
}

impl Costs {
    /// Costs of `rows` by `columns` pairs, none of which may be yet.
    pub(super) fn new(rows: usize, columns: usize) -> Self {
        Self { columns, cells: vec![None; rows * columns] }
    }

    /// Allows a pair. A cost that is no number forbids it.
    pub(super) fn set(&mut self, row: usize, column: usize, cost: f32) {
        self.cells[row * self.columns + column] = cost.is_finite().then_some(cost);
    }

    /// Pairs rows with columns, each at most once, so that the sum of the pairs' costs and of `alone` for every row without a
    /// pair is least. Pairs come in the order of rows; of equal sums always the same one is taken.
    ///
    /// Kuhn's method with potentials (Jonker and Volgenant, 1987): each row finds its shortest way to a free column.
    pub(super) fn pairs(&self, alone: f32) -> Vec<(usize, usize)> {
        let rows = self.cells.len().checked_div(self.columns).unwrap_or(0);
        // One more column a row stands for "alone"; index 0 is nobody, so rows and columns count from 1.
        let width = self.columns + rows;
        let cost = |row: usize, column: usize| match column - 1 {
            c if c < self.columns => self.cells[(row - 1) * self.columns + c].map_or(FORBIDDEN, f64::from),
            _ => f64::from(alone),
        };
        let (mut of_row, mut of_column) = (vec![0.0; rows + 1], vec![0.0; width + 1]);
        let mut taken_by = vec![0usize; width + 1];
        let mut from = vec![0usize; width + 1];
        for row in 1..=rows {
            taken_by[0] = row;
            let mut at = 0;
            let mut least = vec![f64::INFINITY; width + 1];
            let mut done = vec![false; width + 1];
            while taken_by[at] != 0 {
                done[at] = true;
                let (here, mut step, mut next) = (taken_by[at], f64::INFINITY, 0);
                for column in (1..=width).filter(|&c| !done[c]) {
                    let reduced = cost(here, column) - of_row[here] - of_column[column];
                    if reduced < least[column] {
                        (least[column], from[column]) = (reduced, at);
                    }
                    if least[column] < step {
                        (step, next) = (least[column], column);
                    }
                }
                for column in 0..=width {
                    if done[column] {
                        of_row[taken_by[column]] += step;
                        of_column[column] -= step;
                    } else {
                        least[column] -= step;
                    }
                }
                at = next;
            }
            while at != 0 {
                taken_by[at] = taken_by[from[at]];
                at = from[at];
            }
        }
        let real = (1..=self.columns).filter(|&c| taken_by[c] != 0).map(|c| (taken_by[c] - 1, c - 1));
        let mut pairs: Vec<(usize, usize)> =
            real.filter(|(r, c)| self.cells[r * self.columns + c].is_some()).collect();
        pairs.sort_unstable();
        pairs
    }
}

/// Dearer than any sum of allowed pairs.
const FORBIDDEN: f64 = 1e9;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sum(costs: &Costs, rows: usize, alone: f32, pairs: &[(usize, usize)]) -> f32 {
        let paired: f32 = pairs.iter().map(|(r, c)| costs.cells[r * costs.columns + c].unwrap()).sum();
        paired + alone * (rows - pairs.len()) as f32
    }

    /// The least sum over every way to pair them.
    fn least(costs: &Costs, row: usize, rows: usize, alone: f32, used: &mut Vec<bool>) -> f32 {
        if row == rows {
            return 0.0;
        }
        let mut best = alone + least(costs, row + 1, rows, alone, used);
        for c in 0..costs.columns {
            if let (false, Some(cost)) = (used[c], costs.cells[row * costs.columns + c]) {
                used[c] = true;
                best = best.min(cost + least(costs, row + 1, rows, alone, used));
                used[c] = false;
            }
        }
        best
    }

    proptest! {
        #[test]
        fn no_other_way_to_pair_them_costs_less(
            rows in 0usize..6,
            columns in 0usize..6,
            values in prop::collection::vec(prop::option::weighted(0.7, -5.0f32..20.0), 36),
            alone in 0.0f32..15.0,
        ) {
            let mut costs = Costs::new(rows, columns);
            for (n, v) in values.iter().enumerate() {
                if let (Some(v), true) = (v, n / 6 < rows && n % 6 < columns) {
                    costs.set(n / 6, n % 6, *v);
                }
            }
            let pairs = costs.pairs(alone);
            let mut seen = vec![false; columns];
            for (_, c) in &pairs {
                prop_assert!(!std::mem::replace(&mut seen[*c], true));
            }
            prop_assert!(pairs.windows(2).all(|w| w[0].0 < w[1].0));
            let best = least(&costs, 0, rows, alone, &mut vec![false; columns]);
            prop_assert!((sum(&costs, rows, alone, &pairs) - best).abs() < 1e-3);
        }
    }

    #[test]
    fn two_who_could_both_take_the_nearer_one_are_paired_so_that_both_get_one() {
        let mut costs = Costs::new(2, 2);
        for (r, c, cost) in [(0, 0, 1.0), (0, 1, 2.0), (1, 0, 1.5), (1, 1, 20.0)] {
            costs.set(r, c, cost);
        }
        assert_eq!(costs.pairs(9.0), [(0, 1), (1, 0)]);
        costs.set(0, 1, f32::NAN);
        assert_eq!(costs.pairs(9.0), [(0, 0)], "a cost that is no number is no pair");
    }
}
