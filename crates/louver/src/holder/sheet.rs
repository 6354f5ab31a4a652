//! The recovery sheet: a page to print. It needs no network and runs no script.

use std::fmt::Write as _;

use louver_base::WallTime;
use louver_vault::Identity;
use zeroize::Zeroizing;

const STYLE: &str = "body{font:12pt/1.5 Georgia,serif;max-width:17cm;margin:1.5cm auto;color:#000}h1{font-size:18pt}\
ol{columns:3;font:bold 13pt/1.9 monospace;border:1pt solid #000;padding:.4cm .4cm .4cm 1.6cm}dt{font-weight:bold}\
dd{margin:0 0 .3cm;font-family:monospace;overflow-wrap:anywhere}@page{margin:1cm}";

/// The page, wiped from memory when dropped.
pub(super) fn page(identity: &Identity, name: &str, created: WallTime) -> Zeroizing<String> {
    // Room from the start: a growing text would leave copies of the words behind.
    let mut out = Zeroizing::new(String::with_capacity(16 << 10));
    let name = escaped(&name.chars().take(64).collect::<String>());
    out.push_str("<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">");
    out.push_str("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">");
    let _ = write!(
        out,
        "<title>Recovery sheet</title><style>{STYLE}</style></head><body><h1>Louver: recovery sheet of {name}</h1>\
         <p>These 24 words, in this order, are the holder. Whoever has them can agree to the opening of sealed originals; \
         nobody can make them anew. Lock this sheet away, far from the recorder, and delete the file that it was printed \
         from.</p><ol>"
    );
    for word in identity.words().split(' ') {
        let _ = write!(out, "<li>{word}</li>");
    }
    let _ = write!(
        out,
        "</ol><dl><dt>Holder id</dt><dd>{}</dd><dt>Public half (no secret)</dt><dd>{}</dd><dt>Made</dt><dd>{created}</dd></dl>\
         <p>To use them: type the words into the recorder's page, or into a text file for <code>louver open --holder \
         FILE</code>.</p></body></html>",
        identity.id(),
        identity.public()
    );
    out.push('\n');
    out
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sheet_has_all_words_in_order_and_neither_script_nor_link() {
        let identity = Identity::generate().unwrap();
        let page = page(&identity, "Ada <script>", WallTime::from_millis(0));
        let items: Vec<&str> =
            page.split("<li>").skip(1).map(|rest| rest.split_once("</li>").unwrap().0).collect();
        assert_eq!(items.join(" "), *identity.words());
        assert!(page.contains("Ada &lt;script&gt;") && page.contains(&identity.public().to_string()));
        for never in ["<script", "http:", "https:", "src=", "href"] {
            assert!(!page.contains(never), "{never}");
        }
        assert!(page.capacity() == 16 << 10, "it never grew");
    }
}
