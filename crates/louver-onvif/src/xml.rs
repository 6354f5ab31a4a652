//! XML from a camera, read into a small tree of bounded size.
//!
//! Cameras are treated as attackers: a message, its depth, its elements and their attributes have limits; a document type,
//! with which entities could be made that grow when they are put in, is refused where it begins; nothing else than the five
//! entities of XML 1.0 and character references is resolved. What the caller does not want to know is stepped over: not a
//! byte of it is kept.

use std::sync::Arc;

use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

/// Bytes of one message: a recorder with 64 channels describes itself in about half of it.
pub(crate) const MESSAGE_MAX: usize = 1 << 20;
/// Elements within each other; ONVIF's deepest answers need about 15.
const DEPTH_MAX: usize = 32;
/// Elements of one message.
const ELEMENTS_MAX: usize = 20_000;
/// Attributes of one element, namespace declarations included.
const ATTRIBUTES_MAX: usize = 48;

/// Why a message cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum XmlError {
    /// Longer than a camera's answer can sensibly be.
    #[error("it is longer than {} KiB", MESSAGE_MAX >> 10)]
    TooLong,
    /// Elements within elements within elements.
    #[error("its elements lie more than {DEPTH_MAX} deep")]
    TooDeep,
    /// Too many elements, or an element with too many attributes.
    #[error("it has too many elements or attributes")]
    TooMany,
    /// It defines entities of its own, which ONVIF never does.
    #[error("it has a document type, which is never read")]
    DocumentType,
    /// It names an entity that it would have to define first.
    #[error("it names an unknown entity")]
    Entity,
    /// Not XML.
    #[error("it is not well-formed XML")]
    Malformed,
    /// It ends before its root element does.
    #[error("it ends in the middle")]
    CutOff,
}

/// An element, with names as they are without their prefix.
#[derive(Debug, Default)]
pub(crate) struct Element {
    /// Without prefix.
    pub(crate) name: String,
    /// The namespace that its prefix stands for.
    pub(crate) namespace: Option<Arc<str>>,
    /// What stands in it outside its children, trimmed.
    pub(crate) text: String,
    /// In their order.
    pub(crate) children: Vec<Element>,
    /// Without prefix, in their order.
    attributes: Vec<(String, String)>,
    /// Namespaces declared here, by prefix; the default one has an empty prefix.
    declared: Vec<(String, Arc<str>)>,
}

impl Element {
    /// Reads a message. `skip` is asked of each element, by its parent as far as that is known and its own name, whether it is
    /// to be stepped over.
    pub(crate) fn parse(message: &[u8], skip: impl Fn(&Self, &str) -> bool) -> Result<Self, XmlError> {
        if message.len() > MESSAGE_MAX {
            return Err(XmlError::TooLong);
        }
        // Names in other encodings than UTF-8 come out with signs in them that say so; what is asked for is ASCII.
        let text = String::from_utf8_lossy(message);
        let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
        let mut tree = Tree { open: Vec::new(), skipped: 0, elements: 0 };
        loop {
            match reader.read_event().map_err(|_| XmlError::Malformed)? {
                Event::Start(start) => tree.begin(&start, &skip)?,
                Event::Empty(start) => {
                    tree.begin(&start, &skip)?;
                    if let Some(root) = tree.end()? {
                        return Ok(root);
                    }
                }
                Event::End(_) => {
                    if let Some(root) = tree.end()? {
                        return Ok(root);
                    }
                }
                Event::Text(text) => tree.text(&text.xml10_content()),
                Event::CData(text) => tree.text(&text.xml10_content()),
                Event::GeneralRef(entity) => tree.entity(&entity)?,
                Event::DocType(_) => return Err(XmlError::DocumentType),
                Event::Decl(_) | Event::PI(_) | Event::Comment(_) => {}
                Event::Eof if tree.elements == 0 => return Err(XmlError::Malformed),
                Event::Eof => return Err(XmlError::CutOff),
            }
        }
    }

    /// The first child of that name.
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|c| c.name == name)
    }

    /// All children of that name.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |c| c.name == name)
    }

    /// The first element at the end of a path of names.
    pub(crate) fn path(&self, names: &[&str]) -> Option<&Self> {
        names.iter().try_fold(self, |element, name| element.child(name))
    }

    /// The text at the end of a path; empty text counts as none.
    pub(crate) fn text_at(&self, names: &[&str]) -> Option<&str> {
        self.path(names).map(|e| e.text.as_str()).filter(|text| !text.is_empty())
    }

    /// An attribute's value.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

/// The elements that are open.
struct Tree {
    open: Vec<Element>,
    /// How deep within an element that is stepped over.
    skipped: usize,
    elements: usize,
}

impl Tree {
    fn begin(
        &mut self,
        start: &BytesStart<'_>,
        skip: &impl Fn(&Element, &str) -> bool,
    ) -> Result<(), XmlError> {
        self.elements += 1;
        if self.elements > ELEMENTS_MAX {
            return Err(XmlError::TooMany);
        }
        if self.open.len() + self.skipped >= DEPTH_MAX {
            return Err(XmlError::TooDeep);
        }
        let local = start.local_name();
        if self.skipped > 0 || self.open.last().is_some_and(|parent| skip(parent, local.as_ref())) {
            self.skipped += 1;
            return Ok(());
        }
        let mut element = Element { name: local.as_ref().to_owned(), ..Element::default() };
        let mut attributes = start.attributes();
        // Each attribute is otherwise held against all before it.
        attributes.with_checks(false);
        for (n, attribute) in attributes.enumerate() {
            if n >= ATTRIBUTES_MAX {
                return Err(XmlError::TooMany);
            }
            let attribute = attribute.map_err(|_| XmlError::Malformed)?;
            let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|_| XmlError::Entity)?;
            let key = attribute.key;
            match key.prefix() {
                None if key.as_ref() == "xmlns" => element.declared.push((String::new(), value.into())),
                Some(prefix) if prefix.as_ref() == "xmlns" => {
                    element.declared.push((key.local_name().as_ref().to_owned(), value.into()));
                }
                _ => element.attributes.push((key.local_name().as_ref().to_owned(), value.into_owned())),
            }
        }
        let name = start.name();
        let prefix = name.prefix();
        let prefix = prefix.as_ref().map_or("", |p| p.as_ref());
        element.namespace = std::iter::once(&element)
            .chain(self.open.iter().rev())
            .find_map(|e| e.declared.iter().find(|(p, _)| p == prefix))
            .map(|(_, namespace)| namespace.clone());
        self.open.push(element);
        Ok(())
    }

    /// The root, once it is whole.
    fn end(&mut self) -> Result<Option<Element>, XmlError> {
        if self.skipped > 0 {
            self.skipped -= 1;
            return Ok(None);
        }
        let mut done = self.open.pop().ok_or(XmlError::Malformed)?;
        let trimmed = done.text.trim();
        if trimmed.len() != done.text.len() {
            done.text = trimmed.to_owned();
        }
        match self.open.last_mut() {
            Some(parent) => {
                parent.children.push(done);
                Ok(None)
            }
            None => Ok(Some(done)),
        }
    }

    fn text(&mut self, text: &str) {
        if self.skipped == 0
            && let Some(element) = self.open.last_mut()
        {
            element.text.push_str(text);
        }
    }

    fn entity(&mut self, entity: &BytesRef<'_>) -> Result<(), XmlError> {
        if entity.is_char_ref() {
            let c = entity.resolve_char_ref().map_err(|_| XmlError::Entity)?.ok_or(XmlError::Entity)?;
            self.text(c.encode_utf8(&mut [0; 4]));
            return Ok(());
        }
        self.text(match entity.as_ref() {
            "amp" => "&",
            "lt" => "<",
            "gt" => ">",
            "quot" => "\"",
            "apos" => "'",
            _ => return Err(XmlError::Entity),
        });
        Ok(())
    }
}

/// For [`Element::parse`]: everything is wanted.
pub(crate) fn whole(_: &Element, _: &str) -> bool {
    false
}

/// A text as it must stand in an element or attribute.
pub(crate) fn escaped(text: &str) -> String {
    quick_xml::escape::escape(text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Result<Element, XmlError> {
        Element::parse(text.as_bytes(), whole)
    }

    #[test]
    fn names_lose_their_prefix_and_keep_what_it_stands_for() {
        let root = read("<a:x xmlns:a='one' xmlns='two'><y b:k='&lt;1'> t&amp;&#65; </y></a:x>").unwrap();
        assert_eq!((root.name.as_str(), root.namespace.as_deref()), ("x", Some("one")));
        let y = root.child("y").unwrap();
        assert_eq!((y.text.as_str(), y.namespace.as_deref()), ("t&A", Some("two")));
        assert_eq!((y.attribute("k"), y.attribute("xmlns")), (Some("<1"), None));
    }

    #[test]
    fn a_billion_laughs_are_refused_where_they_begin() {
        let mut bomb = String::from("<?xml version='1.0'?><!DOCTYPE lolz [<!ENTITY a 'lol'>");
        for n in 0..9 {
            let of = if n == 0 { "a".to_owned() } else { format!("a{}", n - 1) };
            bomb += &format!("<!ENTITY a{n} '{}'>", format!("&{of};").repeat(10));
        }
        bomb += "]><lolz>&a8;</lolz>";
        assert_eq!(read(&bomb).unwrap_err(), XmlError::DocumentType);
        assert_eq!(read("<x>&a8;</x>").unwrap_err(), XmlError::Entity);
        assert_eq!(read("<x y='&a8;'/>").unwrap_err(), XmlError::Entity);
        assert_eq!(read("<!DOCTYPE x SYSTEM 'file:///etc/passwd'><x/>").unwrap_err(), XmlError::DocumentType);
    }

    #[test]
    fn size_depth_and_number_have_bounds() {
        assert_eq!(read(&" ".repeat(MESSAGE_MAX + 1)).unwrap_err(), XmlError::TooLong);
        let deep = |n: usize| format!("{}{}", "<a>".repeat(n), "</a>".repeat(n));
        assert!(read(&deep(DEPTH_MAX)).is_ok());
        assert_eq!(read(&deep(DEPTH_MAX + 1)).unwrap_err(), XmlError::TooDeep);
        assert_eq!(read(&deep(140_000)).unwrap_err(), XmlError::TooDeep);
        let wide = |n: usize| format!("<a>{}</a>", "<b/>".repeat(n));
        assert!(read(&wide(ELEMENTS_MAX - 1)).is_ok());
        assert_eq!(read(&wide(ELEMENTS_MAX)).unwrap_err(), XmlError::TooMany);
        let many = |n: usize| format!("<a{}/>", (0..n).map(|n| format!(" k{n}=''")).collect::<String>());
        assert!(read(&many(ATTRIBUTES_MAX)).is_ok());
        assert_eq!(read(&many(ATTRIBUTES_MAX + 1)).unwrap_err(), XmlError::TooMany);
    }

    #[test]
    fn what_is_cut_off_or_no_xml_is_refused() {
        for (text, why) in [
            ("", XmlError::Malformed),
            ("HTTP/1.1 400", XmlError::Malformed),
            ("<a><b></b>", XmlError::CutOff),
            ("<a></b>", XmlError::Malformed),
            ("<a", XmlError::Malformed),
            ("</a>", XmlError::Malformed),
        ] {
            assert_eq!(read(text).unwrap_err(), why, "{text}");
        }
    }

    #[test]
    fn what_is_stepped_over_leaves_nothing_behind() {
        let text = "<a><b k='secret'>secret<c>secret</c></b><d>1</d></a>";
        let root = Element::parse(text.as_bytes(), |parent, name| parent.name == "a" && name == "b").unwrap();
        assert_eq!(root.text_at(&["d"]), Some("1"));
        assert!(!format!("{root:?}").contains("secret"));
        // Its bounds hold there all the same.
        let deep = format!("<a><b>{}{}</b></a>", "<c>".repeat(40), "</c>".repeat(40));
        assert_eq!(Element::parse(deep.as_bytes(), |_, name| name == "b").unwrap_err(), XmlError::TooDeep);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, text in "(<|>|a|/|&|;|'|\"| |=|x|#|!|\\[|\\]|:|CDATA){0,60}") {
            let _ = Element::parse(&bytes, whole);
            let _ = Element::parse(text.as_bytes(), |_, name| name == "a");
        }

        #[test]
        fn what_is_escaped_comes_back(text in "[ -~äß]{0,40}") {
            let root = read(&format!("<a k=\"{0}\">{0}</a>", escaped(&text))).unwrap();
            prop_assert_eq!(root.text.as_str(), text.trim());
            prop_assert_eq!(root.attribute("k"), Some(text.as_str()));
        }
    }
}
