//! One camera's way, supervision and budgets.
