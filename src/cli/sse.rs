//! Server-sent events, as they come in pieces.

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// The field `event`; empty if there is none.
    pub name: String,
    /// The field `id`, if it has one of its own.
    pub id: Option<String>,
    /// The fields `data`, joined by line ends.
    pub data: String,
}

/// Longest event that is taken: a scale-up's progress is a few KiB. What is longer is no event.
const LONGEST: usize = 4 * 1024 * 1024;

/// Something that is no stream of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SseError {
    #[error("an event is longer than {LONGEST} bytes")]
    TooLong,
    #[error("an event is not UTF-8")]
    NotText,
}

/// Puts pieces together. Lines may end in LF or CRLF.
#[derive(Debug, Default)]
pub struct Parser {
    line: Vec<u8>,
    event: Event,
    has_data: bool,
}

impl Parser {
    /// Takes one piece, gives the events that are complete.
    pub fn feed(&mut self, piece: &[u8]) -> Result<Vec<Event>, SseError> {
        let mut events = Vec::new();
        let mut rest = piece;
        while let Some(end) = rest.iter().position(|b| *b == b'\n') {
            self.line.extend_from_slice(&rest[..end]);
            rest = &rest[end + 1..];
            let mut line = std::mem::take(&mut self.line);
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            events.extend(self.take(&line)?);
        }
        self.line.extend_from_slice(rest);
        if self.line.len() + self.event.data.len() > LONGEST {
            return Err(SseError::TooLong);
        }
        Ok(events)
    }

    fn take(&mut self, line: &[u8]) -> Result<Option<Event>, SseError> {
        let line = std::str::from_utf8(line).map_err(|_| SseError::NotText)?;
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            // Without data it is not an event.
            return Ok(std::mem::take(&mut self.has_data).then_some(event));
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => self.event.name = value.to_string(),
            "id" if !value.contains('\0') => self.event.id = Some(value.to_string()),
            "data" => {
                if self.has_data {
                    self.event.data.push('\n');
                }
                self.has_data = true;
                self.event.data.push_str(value);
                if self.event.data.len() > LONGEST {
                    return Err(SseError::TooLong);
                }
            }
            // A comment, a retry time, or a field of the future.
            _ => {}
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STREAM: &str = ": hello\n\nevent: journal\nid: 7\ndata: {\"a\":\ndata: 1}\r\n\r\ndata:x\nretry: 5\n\nid: 8\n\nevent: end\ndata\n\n";

    fn expected() -> Vec<Event> {
        let event = |name: &str, id: Option<&str>, data: &str| Event {
            name: name.to_string(),
            id: id.map(str::to_string),
            data: data.to_string(),
        };
        vec![event("journal", Some("7"), "{\"a\":\n1}"), event("", None, "x"), event("end", None, "")]
    }

    proptest! {
        #[test]
        fn pieces_may_be_cut_anywhere(cuts in proptest::collection::vec(0..STREAM.len(), 0..10)) {
            let mut cuts = cuts;
            cuts.sort_unstable();
            let mut parser = Parser::default();
            let mut events = Vec::new();
            let mut from = 0;
            for to in cuts.into_iter().chain([STREAM.len()]) {
                events.extend(parser.feed(&STREAM.as_bytes()[from..to]).unwrap());
                from = to;
            }
            prop_assert_eq!(events, expected());
        }
    }

    #[test]
    fn what_is_no_event_stream_ends() {
        let endless = vec![b'x'; LONGEST + 1];
        assert_eq!(Parser::default().feed(&endless), Err(SseError::TooLong));
        let mut parser = Parser::default();
        let line = [b"data: ".as_slice(), &vec![b'x'; 1024 * 1024], b"\n"].concat();
        assert!((0..5).any(|_| parser.feed(&line) == Err(SseError::TooLong)));
        assert_eq!(Parser::default().feed(b"data: \xff\n"), Err(SseError::NotText));
    }
}
