//! Is this document whole?
//!
//! The SDK's decoder reads a document that is cut short as if it ended there, without an error. For
//! a launch that would be fatal: an answer with 60 of 100 instances in it would settle the launch,
//! and 40 would run that nobody knows. So an answer is read through here first.

use std::collections::HashMap;

use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::Value;

/// `Err` with what is wrong, unless there is exactly one root element and it is closed.
pub(super) fn check(document: &[u8]) -> Result<(), String> {
    let mut reader = Reader::from_reader(document);
    let (mut depth, mut roots) = (0_u32, 0_u32);
    loop {
        match reader.read_event() {
            Ok(Event::Start(_)) => {
                roots += u32::from(depth == 0);
                depth += 1;
            }
            Ok(Event::Empty(_)) => roots += u32::from(depth == 0),
            // The reader itself refuses an end that does not fit its start.
            Ok(Event::End(_)) => depth = depth.saturating_sub(1),
            Ok(Event::Eof) => break,
            Ok(
                Event::Text(_)
                | Event::CData(_)
                | Event::Comment(_)
                | Event::Decl(_)
                | Event::PI(_)
                | Event::DocType(_)
                | Event::GeneralRef(_),
            ) => {}
            Err(e) => return Err(e.to_string()),
        }
    }
    match (roots, depth) {
        (1, 0) => Ok(()),
        (0, _) => Err("it has no element".into()),
        (_, 0) => Err(format!("it has {roots} root elements")),
        (_, open) => Err(format!("it ends with {open} elements open")),
    }
}

/// `Err` with what is wrong, unless it is one JSON object and nothing more.
pub(super) fn check_json(document: &[u8]) -> Result<(), String> {
    serde_json::from_slice::<HashMap<String, Value>>(document).map(drop).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "<?xml version=\"1.0\"?>\n<R xmlns=\"x\"><!-- c --><a>1 &lt; 2</a><b/></R>\n";

    #[test]
    fn a_whole_document_passes() {
        assert_eq!(check(WHOLE.as_bytes()), Ok(()));
        assert_eq!(check(b"<R/>"), Ok(()));
    }

    #[test]
    fn a_document_cut_anywhere_does_not() {
        let end = WHOLE.trim_end().len();
        for cut in 0..end {
            assert!(check(&WHOLE.as_bytes()[..cut]).is_err(), "cut at {cut}: {}", &WHOLE[..cut]);
        }
    }

    #[test]
    fn what_is_not_xml_does_not() {
        for text in ["", "{}", "Bad Gateway", "<html><body><p>oops</body></html>", "<R></R><R></R>"] {
            assert!(check(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn json_is_one_object_and_whole() {
        let whole = r#"{"Messages":[{"Body":"a } b"}]}"#;
        assert_eq!(check_json(whole.as_bytes()), Ok(()));
        assert_eq!(check_json(b"{}"), Ok(()));
        for cut in 0..whole.len() {
            assert!(check_json(&whole.as_bytes()[..cut]).is_err(), "cut at {cut}");
        }
        for text in ["[]", "{}{}", "null", "<html></html>", "{\"a\":}"] {
            assert!(check_json(text.as_bytes()).is_err(), "{text}");
        }
    }
}
