//! Writing XML, as the query protocols answer with it.

use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

/// A writer of elements. Writing into memory does not fail, but the library may say so.
pub(super) struct Xml(Writer<Vec<u8>>);

impl Xml {
    pub(super) fn new() -> io::Result<Xml> {
        let mut writer = Writer::new(Vec::new());
        writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        Ok(Xml(writer))
    }

    pub(super) fn done(self) -> Vec<u8> {
        self.0.into_inner()
    }

    /// The outermost element, in a namespace.
    pub(super) fn root(
        &mut self,
        name: &str,
        namespace: &str,
        inside: impl FnOnce(&mut Xml) -> io::Result<()>,
    ) -> io::Result<()> {
        let start = BytesStart::new(name).with_attributes([("xmlns", namespace)]);
        self.0.write_event(Event::Start(start))?;
        inside(self)?;
        self.0.write_event(Event::End(BytesEnd::new(name)))
    }

    pub(super) fn element(
        &mut self,
        name: &str,
        inside: impl FnOnce(&mut Xml) -> io::Result<()>,
    ) -> io::Result<()> {
        self.0.write_event(Event::Start(BytesStart::new(name)))?;
        inside(self)?;
        self.0.write_event(Event::End(BytesEnd::new(name)))
    }

    pub(super) fn text(&mut self, name: &str, text: &str) -> io::Result<()> {
        self.element(name, |x| x.0.write_event(Event::Text(BytesText::new(text))))
    }

    /// Text and nothing around it: for lists of words.
    pub(super) fn plain(&mut self, text: &str) -> io::Result<()> {
        self.0.write_event(Event::Text(BytesText::new(text)))
    }

    pub(super) fn optional(&mut self, name: &str, text: Option<&str>) -> io::Result<()> {
        text.map_or(Ok(()), |text| self.text(name, text))
    }

    /// `<name><item>...</item><item>...</item></name>`
    pub(super) fn list<T>(
        &mut self,
        name: &str,
        items: impl IntoIterator<Item = T>,
        mut each: impl FnMut(&mut Xml, T) -> io::Result<()>,
    ) -> io::Result<()> {
        self.element(name, |x| items.into_iter().try_for_each(|item| x.element("item", |x| each(x, item))))
    }
}

/// Milliseconds since the epoch as AWS writes times: to the second, with a fraction of zero.
pub(super) fn time(ms: i64) -> String {
    timestamp(ms).strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string()
}

/// Milliseconds since the epoch with their fraction.
pub(super) fn time_exact(ms: i64) -> String {
    timestamp(ms).strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// The same as AWS writes it into sentences.
pub(super) fn gmt(ms: i64) -> String {
    timestamp(ms).strftime("%Y-%m-%d %H:%M:%S GMT").to_string()
}

fn timestamp(ms: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
}
