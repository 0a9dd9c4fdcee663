//! Transit Gateways and their attachments: read only, as the settings say. AWS has no call that
//! makes them carry more (aws-facts 6.1).

use super::super::super::arn::arn;
use super::super::Ec2;
use super::super::call::{Answer, Read};
use super::super::error::{ApiError, Code};
use super::super::filter::{all_match, known};
use super::super::read::{cut, page};
use super::super::tags::TagMap;

/// A Transit Gateway, or an attachment of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransitView {
    pub id: String,
    /// Of a gateway: its ARN, which names the region.
    pub arn: String,
    pub state: String,
    /// For an attachment: its gateway, and the kind and the id of what is attached.
    pub attached: Option<(String, String, String)>,
    pub tags: TagMap,
}

enum Field<'a> {
    Id,
    State,
    Gateway,
    ResourceKind,
    ResourceId,
    Tag(&'a str),
}

impl Ec2 {
    pub(in super::super) fn describe_transit_gateways(&self, read: &Read) -> Result<Answer, ApiError> {
        let views = self.settings.ec2.transit_gateways.iter().map(|g| TransitView {
            id: g.id.clone(),
            arn: arn("ec2", &self.settings.region, &format!("transit-gateway/{}", g.id)),
            state: g.state.clone(),
            attached: None,
            tags: self.tags.of(&g.id),
        });
        let (gateways, next_token) =
            select(views.collect(), read, "transit-gateway-id", Code::InvalidTransitGatewayIdNotFound)?;
        Ok(Answer::TransitGateways { gateways, next_token })
    }

    pub(in super::super) fn describe_transit_gateway_attachments(
        &self,
        read: &Read,
    ) -> Result<Answer, ApiError> {
        let views = self.settings.ec2.transit_attachments.iter().map(|a| TransitView {
            id: a.id.clone(),
            arn: String::new(),
            state: a.state.clone(),
            attached: Some((a.gateway.clone(), a.resource_type.clone(), a.resource.clone())),
            tags: self.tags.of(&a.id),
        });
        let code = Code::InvalidTransitGatewayAttachmentIdNotFound;
        let (attachments, next_token) = select(views.collect(), read, "transit-gateway-attachment-id", code)?;
        Ok(Answer::TransitAttachments { attachments, next_token })
    }
}

fn select(
    views: Vec<TransitView>,
    read: &Read,
    id_filter: &str,
    not_found: Code,
) -> Result<(Vec<TransitView>, Option<String>), ApiError> {
    let page = page(read)?;
    let filters = known(&read.filters, |name| {
        Some(match name {
            "state" => Field::State,
            "transit-gateway-id" if id_filter != name => Field::Gateway,
            "resource-type" => Field::ResourceKind,
            "resource-id" => Field::ResourceId,
            _ if name == id_filter => Field::Id,
            _ => Field::Tag(name.strip_prefix("tag:")?),
        })
    })?;
    if let Some(unknown) = read.ids.iter().find(|id| views.iter().all(|v| v.id != **id)) {
        return Err(ApiError::new(not_found, format!("{unknown} was deleted or does not exist.")));
    }
    let fits = |view: &TransitView| {
        let of = |pick: fn(&(String, String, String)) -> &String| view.attached.as_ref().map(pick);
        let wanted = read.ids.is_empty() || read.ids.contains(&view.id);
        wanted
            && all_match(&filters, |field, test| match field {
                Field::Id => test(&view.id),
                Field::State => test(&view.state),
                Field::Gateway => of(|a| &a.0).is_some_and(|id| test(id)),
                Field::ResourceKind => of(|a| &a.1).is_some_and(|kind| test(kind)),
                Field::ResourceId => of(|a| &a.2).is_some_and(|id| test(id)),
                Field::Tag(key) => view.tags.get(*key).is_some_and(|v| test(v)),
            })
    };
    Ok(cut((0..).zip(views).filter(|(_, v)| fits(v)), page))
}

#[cfg(test)]
mod tests {
    use super::super::super::super::super::settings::{TransitAttachment, TransitGateway};
    use super::super::super::call::{Call, Filter};
    use super::super::super::testing::*;
    use super::*;

    fn model() -> Model {
        let mut settings = small_settings();
        settings.ec2.transit_gateways =
            vec![TransitGateway { id: "tgw-1".into(), state: "available".into() }];
        let attachment = |id: &str, state: &str| TransitAttachment {
            id: id.into(),
            gateway: "tgw-1".into(),
            resource_type: "vpc".into(),
            resource: "vpc-1".into(),
            state: state.into(),
        };
        settings.ec2.transit_attachments =
            vec![attachment("tgw-attach-1", "available"), attachment("tgw-attach-2", "modifying")];
        Model::new(settings, 1).unwrap()
    }

    #[test]
    fn they_are_as_the_settings_say() {
        let mut model = model();
        let reply = model.ask(&Call::DescribeTransitGateways(Read::default()), 0);
        assert!(format!("{reply:?}").contains("tgw-1"));
        let by = |name: &str, value: &str| Read {
            filters: vec![Filter { name: name.into(), values: vec![value.into()] }],
            ..Read::default()
        };
        let mut attachments = |read| {
            let reply = model.ask(&Call::DescribeTransitGatewayAttachments(read), 0);
            let Outcome::Answer(AnyAnswer::Ec2(Answer::TransitAttachments { attachments, .. })) =
                reply.outcome
            else {
                panic!("{reply:?}")
            };
            attachments.into_iter().map(|a| a.id).collect::<Vec<_>>()
        };
        assert_eq!(attachments(Read::default()), ["tgw-attach-1", "tgw-attach-2"]);
        assert_eq!(attachments(by("state", "modifying")), ["tgw-attach-2"]);
        assert_eq!(attachments(by("transit-gateway-id", "tgw-2")), Vec::<String>::new());
    }

    #[test]
    fn unknown_ones_are_not_found() {
        let read = || Read { ids: vec!["tgw-9".into()], ..Read::default() };
        let reply = model().ask(&Call::DescribeTransitGateways(read()), 0);
        assert_eq!(code(&reply), "InvalidTransitGatewayID.NotFound");
        let reply = model().ask(&Call::DescribeTransitGatewayAttachments(read()), 0);
        assert_eq!(code(&reply), "InvalidTransitGatewayAttachmentID.NotFound");
    }
}
