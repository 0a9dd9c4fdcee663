//! Writing XML, as the query protocols answer with it.

use std::io::{self, Write};

use quick_xml::escape::escape;

const DECLARATION: &[u8] = b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>";

/// A writer of elements. Names are ours and need no escaping. Straight into memory, without an event
/// for each tag: a describe of 100 instances has 8,000. Writing there does not fail, but its
/// interface says that it may.
pub(super) struct Xml(Vec<u8>);

impl Xml {
    pub(super) fn new() -> io::Result<Xml> {
        let mut out = Vec::with_capacity(1_024);
        out.write_all(DECLARATION)?;
        Ok(Xml(out))
    }

    pub(super) fn done(self) -> Vec<u8> {
        self.0
    }

    /// The outermost element, in a namespace.
    pub(super) fn root(
        &mut self,
        name: &str,
        namespace: &str,
        inside: impl FnOnce(&mut Xml) -> io::Result<()>,
    ) -> io::Result<()> {
        write!(self.0, "<{name} xmlns=\"{namespace}\">")?;
        inside(self)?;
        self.tag("</", name)
    }

    pub(super) fn element(
        &mut self,
        name: &str,
        inside: impl FnOnce(&mut Xml) -> io::Result<()>,
    ) -> io::Result<()> {
        self.tag("<", name)?;
        inside(self)?;
        self.tag("</", name)
    }

    pub(super) fn text(&mut self, name: &str, text: &str) -> io::Result<()> {
        self.tag("<", name)?;
        self.0.write_all(escape(text).as_bytes())?;
        self.tag("</", name)
    }

    /// Text and nothing around it: for lists of words.
    pub(super) fn plain(&mut self, text: &str) -> io::Result<()> {
        self.0.write_all(escape(text).as_bytes())
    }

    pub(super) fn optional(&mut self, name: &str, text: Option<&str>) -> io::Result<()> {
        text.map_or(Ok(()), |text| self.text(name, text))
    }

    fn tag(&mut self, start: &str, name: &str) -> io::Result<()> {
        self.0.write_all(start.as_bytes())?;
        self.0.write_all(name.as_bytes())?;
        self.0.write_all(b">")
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

/// To the second, without a fraction.
pub(super) fn time_second(ms: i64) -> String {
    timestamp(ms).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped_and_tags_are_closed() {
        let mut x = Xml::new().unwrap();
        x.root("Answer", "urn:x", |x| {
            x.optional("none", None)?;
            x.text("said", "a <b> & \"c\" 'd' ü")?;
            x.element("empty", |_| Ok(()))?;
            x.list("set", ["1", "2"], |x, n| x.text("n", n))
        })
        .unwrap();
        assert_eq!(
            String::from_utf8(x.done()).unwrap(),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Answer xmlns=\"urn:x\"><said>a &lt;b&gt; &amp; &quot;c&quot; \
             &apos;d&apos; ü</said><empty></empty><set><item><n>1</n></item><item><n>2</n></item></set></Answer>"
        );
    }
}
