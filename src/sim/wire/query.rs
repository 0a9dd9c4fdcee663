//! What the services of the plain query protocol have in common (Auto Scaling, SNS, Elastic Load
//! Balancing): `Version` says which service, lists are `Name.member.N`, an answer is
//! `<XResponse><XResult/><ResponseMetadata/>`, an error `<ErrorResponse><Error/>`.

use std::io;
use std::str::FromStr;

use http::request::Parts;

use super::super::model::call::Failure;
use super::dialect::parameters;
use super::form::{Form, Node};
use super::xml::Xml;

/// Why a form names no action of a service.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoAction {
    /// `MissingAction`
    #[error("The request is missing an action or a required parameter.")]
    Missing,
    /// `InvalidAction`
    #[error("Could not find operation {name} for version {version}")]
    Unknown { name: String, version: &'static str },
}

/// The action that a form names.
///
/// # Errors
/// If it names none, or one that the service of this version does not have.
pub(super) fn action<A: FromStr>(form: &Form, version: &'static str) -> Result<A, NoAction> {
    let name = form.root().text("Action").filter(|name| !name.is_empty()).ok_or(NoAction::Missing)?;
    name.parse().map_err(|_| NoAction::Unknown { name: name.into(), version })
}

/// The service's version that a request names, by which its service is told. Read no further than
/// there: clients name it second, after the action.
pub(super) fn version(head: &Parts, body: &[u8]) -> Option<String> {
    let mut pairs = url::form_urlencoded::parse(parameters(head, body));
    pairs.find(|(name, _)| name == "Version").map(|(_, version)| version.into_owned())
}

impl Node {
    /// The elements of the list `name.member.1`, `name.member.2`, ..., in the order of their
    /// numbers.
    pub(super) fn members(&self, name: &str) -> Vec<&Node> {
        self.under(name).list("member")
    }

    /// The values of the list `name.member.1`, `name.member.2`, ...
    pub(super) fn member_texts(&self, name: &str) -> Vec<String> {
        self.under(name).texts("member")
    }
}

impl Xml {
    /// `<name><member>...</member><member>...</member></name>`
    pub(super) fn members<T>(
        &mut self,
        name: &str,
        items: impl IntoIterator<Item = T>,
        mut each: impl FnMut(&mut Xml, T) -> io::Result<()>,
    ) -> io::Result<()> {
        self.element(name, |x| items.into_iter().try_for_each(|item| x.element("member", |x| each(x, item))))
    }

    /// `<name><member>a</member><member>b</member></name>`
    pub(super) fn member_texts<T: AsRef<str>>(
        &mut self,
        name: &str,
        items: impl IntoIterator<Item = T>,
    ) -> io::Result<()> {
        self.element(name, |x| items.into_iter().try_for_each(|item| x.text("member", item.as_ref())))
    }
}

/// An answer's document. Actions that answer nothing have no result element at all.
pub(super) fn answer(
    namespace: &str,
    action: &str,
    request_id: &str,
    result: Option<impl FnOnce(&mut Xml) -> io::Result<()>>,
) -> io::Result<Vec<u8>> {
    let mut x = Xml::new()?;
    x.root(&format!("{action}Response"), namespace, |x| {
        if let Some(result) = result {
            x.element(&format!("{action}Result"), result)?;
        }
        x.element("ResponseMetadata", |x| x.text("RequestId", request_id))
    })?;
    Ok(x.done())
}

/// An error's document. Whose fault it is follows from the status, as at AWS.
pub(super) fn error(namespace: &str, failure: &Failure, request_id: &str) -> io::Result<Vec<u8>> {
    let mut x = Xml::new()?;
    x.root("ErrorResponse", namespace, |x| {
        x.element("Error", |x| {
            x.text("Type", if failure.http_status < 500 { "Sender" } else { "Receiver" })?;
            x.text("Code", failure.code)?;
            x.text("Message", &failure.message)
        })?;
        x.text("RequestId", request_id)
    })?;
    Ok(x.done())
}

#[cfg(test)]
mod tests {
    use super::super::super::model::ec2::call::Action;
    use super::*;

    fn form(text: &str) -> Form {
        Form::parse(text.as_bytes()).unwrap()
    }

    fn head(uri: &str) -> Parts {
        http::Request::builder().uri(uri).method("GET").body(()).unwrap().into_parts().0
    }

    #[test]
    fn lists_are_under_member() {
        let f = form("Ids.member.2=b&Ids.member.1=a&Ids.3=no&Tags.member.1.Key=k&Empty=");
        assert_eq!(f.root().member_texts("Ids"), ["a", "b"]);
        assert_eq!(f.root().members("Tags")[0].text("Key"), Some("k"));
        assert!(f.root().member_texts("Empty").is_empty());
    }

    #[test]
    fn an_action_is_known_missing_or_unknown() {
        let of = |text| action::<Action>(&form(text), "2016-11-15");
        assert_eq!(of("Action=RunInstances"), Ok(Action::RunInstances));
        assert_eq!(of("Action="), Err(NoAction::Missing));
        assert_eq!(
            of("Action=Fly").unwrap_err().to_string(),
            "Could not find operation Fly for version 2016-11-15"
        );
    }

    #[test]
    fn the_version_is_found_in_a_query() {
        assert_eq!(version(&head("/?Action=X&Version=2011-01-01"), b"").as_deref(), Some("2011-01-01"));
        assert_eq!(version(&head("/?Action=X"), b"Version=2011-01-01"), None);
    }

    #[test]
    fn documents_are_as_the_sdks_read_them() {
        let text = |bytes: io::Result<Vec<u8>>| String::from_utf8(bytes.unwrap()).unwrap();
        let with = |x: &mut Xml| x.member_texts("Names", ["a", "<b>"]);
        assert_eq!(
            text(answer("urn:x", "List", "ID", Some(with))),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ListResponse xmlns=\"urn:x\"><ListResult><Names>\
             <member>a</member><member>&lt;b&gt;</member></Names></ListResult><ResponseMetadata>\
             <RequestId>ID</RequestId></ResponseMetadata></ListResponse>"
        );
        let nothing = None::<fn(&mut Xml) -> io::Result<()>>;
        assert!(!text(answer("urn:x", "Put", "ID", nothing)).contains("PutResult"));
        let failure =
            |http_status| Failure { code: "Bad", http_status, message: "a & b".into(), throttle: false };
        assert_eq!(
            text(error("urn:x", &failure(400), "ID")),
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><ErrorResponse xmlns=\"urn:x\"><Error><Type>Sender</Type>\
             <Code>Bad</Code><Message>a &amp; b</Message></Error><RequestId>ID</RequestId></ErrorResponse>"
        );
        assert!(text(error("urn:x", &failure(500), "ID")).contains("<Type>Receiver</Type>"));
    }
}
