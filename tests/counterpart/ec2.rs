//! Enough of EC2's query protocol to see what was launched, independent of the client under test.

use quick_xml::Reader;
use quick_xml::events::Event;

use crate::harness::http;

/// Neither server checks signatures; `LocalStack` reads the service and the region from this header.
const AUTHORIZATION: &str =
    "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/ec2/aws4_request, SignedHeaders=host, Signature=0";

pub struct Ec2 {
    endpoint: String,
}

/// What EC2 says of one instance.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Instance {
    pub id: String,
    pub state: String,
    pub address: String,
    /// The keys of its tags.
    pub tags: Vec<String>,
}

impl Ec2 {
    pub fn new(endpoint: &str) -> Ec2 {
        Ec2 { endpoint: endpoint.trim_end_matches('/').to_owned() }
    }

    /// Every instance that was ever launched into the subnet.
    pub async fn instances(&self, subnet: &str) -> Vec<Instance> {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("Action", "DescribeInstances"), ("Version", "2016-11-15")])
            .extend_pairs([("Filter.1.Name", "subnet-id"), ("Filter.1.Value.1", subnet)])
            .finish();
        let headers =
            [("authorization", AUTHORIZATION), ("content-type", "application/x-www-form-urlencoded")];
        let (status, xml) = http("POST", &format!("{}/", self.endpoint), &headers, &form).await.unwrap();
        assert_eq!(status, 200, "{xml}");
        assert!(!xml.contains("<nextToken>"), "more than one page: {xml}");
        instances(&xml)
    }
}

/// The instances of a `DescribeInstances` answer.
fn instances(xml: &str) -> Vec<Instance> {
    const INSTANCE: &str = "reservationSet/item/instancesSet/item";
    let below_root = |path: &[String]| path.get(1..).unwrap_or_default().join("/");
    let mut found: Vec<Instance> = Vec::new();
    let mut path: Vec<String> = Vec::new();
    let mut reader = Reader::from_str(xml);
    loop {
        match reader.read_event().unwrap_or_else(|e| panic!("{e} in {xml}")) {
            Event::Start(tag) => {
                path.push(tag.local_name().into_inner().to_owned());
                if below_root(&path) == INSTANCE {
                    found.push(Instance::default());
                }
            }
            Event::End(_) => {
                path.pop();
            }
            Event::Text(text) => {
                let (at, text) = (below_root(&path), text.to_string());
                let (Some(field), Some(instance)) = (at.strip_prefix(INSTANCE), found.last_mut()) else {
                    continue;
                };
                match field {
                    "/instanceId" => instance.id = text,
                    "/instanceState/name" => instance.state = text,
                    "/privateIpAddress" => instance.address = text,
                    "/tagSet/item/key" => instance.tags.push(text),
                    _ => {}
                }
            }
            Event::Eof => return found,
            _ => {}
        }
    }
}

#[test]
fn an_answer_of_two_reservations_is_read() {
    let xml = "<?xml version='1.0'?><DescribeInstancesResponse xmlns='http://ec2.amazonaws.com/doc/2016-11-15/'>
        <reservationSet>
          <item><instancesSet>
            <item><instanceId>i-1</instanceId><instanceState><code>16</code><name>running</name></instanceState>
              <privateIpAddress>127.77.1.4</privateIpAddress>
              <networkInterfaceSet><item><privateIpAddress>127.77.1.9</privateIpAddress></item></networkInterfaceSet>
              <tagSet><item><key>muster:slot</key><value>1-0</value></item></tagSet></item>
            <item><instanceId>i-2</instanceId><instanceState><name>pending</name></instanceState></item>
          </instancesSet></item>
          <item><instancesSet><item><instanceId>i-3</instanceId></item></instancesSet></item>
        </reservationSet></DescribeInstancesResponse>";
    let found = instances(xml);
    assert_eq!(found.iter().map(|i| i.id.as_str()).collect::<Vec<_>>(), ["i-1", "i-2", "i-3"]);
    let first = Instance {
        id: "i-1".to_owned(),
        state: "running".to_owned(),
        address: "127.77.1.4".to_owned(),
        tags: vec!["muster:slot".to_owned()],
    };
    assert_eq!(found[0], first);
}
