//! Reading the server's metrics: OpenMetrics text, as far as Louver writes it.

/// One number with its name and labels.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Sample {
    pub(super) name: String,
    pub(super) labels: Vec<(String, String)>,
    pub(super) value: f64,
}

impl Sample {
    /// The label of that name; empty if there is none.
    pub(super) fn label(&self, name: &str) -> &str {
        self.labels.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
    }
}

/// Every sample of a page; lines that are none are left out.
pub(super) fn read(page: &str) -> Vec<Sample> {
    page.lines().filter(|line| !line.starts_with('#')).filter_map(sample).collect()
}

fn sample(line: &str) -> Option<Sample> {
    let name_ends = line.find(['{', ' '])?;
    let (name, rest) = line.split_at_checked(name_ends)?;
    let (labels, value) = match rest.strip_prefix('{') {
        Some(rest) => labels(rest)?,
        None => (Vec::new(), rest),
    };
    let value = value.split_whitespace().next()?.parse().ok()?;
    Some(Sample { name: name.to_owned(), labels, value })
}

type Labels = Vec<(String, String)>;

/// `name="value",…}` and what follows.
fn labels(mut rest: &str) -> Option<(Labels, &str)> {
    let mut found = Vec::new();
    loop {
        if let Some(after) = rest.strip_prefix('}') {
            return Some((found, after));
        }
        let (name, after) = rest.split_once("=\"")?;
        let mut value = String::new();
        let mut letters = after.char_indices();
        let ends = loop {
            match letters.next()? {
                (at, '"') => break at,
                (_, '\\') => match letters.next()?.1 {
                    'n' => value.push('\n'),
                    other => value.push(other),
                },
                (_, other) => value.push(other),
            }
        };
        found.push((name.trim_start_matches(',').to_owned(), value));
        rest = after.get(ends + 1..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_read_with_their_labels_and_everything_else_is_left_out() {
        let page = "# HELP a b\n# TYPE a gauge\na 1.5\nb_total{camera=\"gate\",reason=\"disk-full\"} 7\n\
            c{disk=\"/srv/a \\\"b\\\" \\\\c\"} 1e3\nbroken{x=\"\nbroken\nbroken{} \n{\n# EOF\n";
        let found = read(page);
        assert_eq!(found.len(), 3, "{found:?}");
        assert_eq!((found[0].name.as_str(), found[0].value), ("a", 1.5));
        assert_eq!(
            (found[1].label("camera"), found[1].label("reason"), found[1].value),
            ("gate", "disk-full", 7.0)
        );
        assert_eq!((found[2].label("disk"), found[2].value), ("/srv/a \"b\" \\c", 1000.0));
    }

    proptest::proptest! {
        #[test]
        fn whatever_a_server_answers_does_not_panic(text in "\\PC{0,80}[\"{}=,\\\\ \n0-9]{0,40}") {
            read(&text);
        }
    }
}
