//! What a group launches, where, and by which rules: read from what was said, with the defaults.

use super::super::super::settings::SubnetSettings;
use super::call::{Shape, Source};
use super::error::ApiError;
use super::words::TerminationPolicy;

/// Seconds; what AWS takes if nothing is said.
const DEFAULT_COOLDOWN: u32 = 300;

/// Where a group launches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Subnet {
    pub(super) id: String,
    pub(super) zone: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Config {
    pub(super) source: Option<Source>,
    pub(super) instance_types: Vec<String>,
    pub(super) subnets: Vec<Subnet>,
    /// They were named; otherwise zones were, and these are the zones' defaults.
    pub(super) names_subnets: bool,
    /// Seconds.
    pub(super) default_cooldown: u32,
    /// `EC2`, or names with `ELB` among them.
    pub(super) health_check_type: String,
    /// Seconds; 0 by the API (aws-facts 3.1).
    pub(super) health_check_grace_period: u32,
    pub(super) protects_new: bool,
    pub(super) termination_policies: Vec<TerminationPolicy>,
    /// `none`, `prevent-force-deletion` or `prevent-all-deletion`.
    pub(super) deletion_protection: String,
    /// An abandoned termination keeps the instance.
    pub(super) retains: bool,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            source: None,
            instance_types: Vec::new(),
            subnets: Vec::new(),
            names_subnets: false,
            default_cooldown: DEFAULT_COOLDOWN,
            health_check_type: "EC2".into(),
            health_check_grace_period: 0,
            protects_new: false,
            termination_policies: vec![TerminationPolicy::Default],
            deletion_protection: "none".into(),
            retains: false,
        }
    }
}

impl Config {
    /// This one with what is said in its place.
    ///
    /// # Errors
    /// `ValidationError` for what makes no sense.
    pub(super) fn with(&self, shape: &Shape, known: &[SubnetSettings]) -> Result<Config, ApiError> {
        let mut new = self.clone();
        if shape.source.is_some() {
            new.source.clone_from(&shape.source);
            new.instance_types.clone_from(&shape.instance_types);
        }
        if !shape.subnets.is_empty() {
            new.subnets = subnets(&shape.subnets, &shape.zones, known)?;
            new.names_subnets = true;
        } else if !shape.zones.is_empty() {
            new.subnets = defaults(&shape.zones, known)?;
            new.names_subnets = false;
        }
        seconds(&mut new.default_cooldown, shape.default_cooldown, "DefaultCooldown")?;
        seconds(
            &mut new.health_check_grace_period,
            shape.health_check_grace_period,
            "HealthCheckGracePeriod",
        )?;
        if let Some(kind) = &shape.health_check_type {
            if !kind.split(',').all(|k| matches!(k, "EC2" | "ELB" | "VPC_LATTICE" | "EBS")) {
                return Err(ApiError::invalid(format!(
                    "Invalid HealthCheckType: {kind}. Valid types are EC2, ELB, VPC_LATTICE and EBS"
                )));
            }
            new.health_check_type.clone_from(kind);
        }
        new.protects_new = shape.protects_new.unwrap_or(self.protects_new);
        if !shape.termination_policies.is_empty() {
            new.termination_policies.clone_from(&shape.termination_policies);
        }
        if let Some(protection) = &shape.deletion_protection {
            if !matches!(protection.as_str(), "none" | "prevent-force-deletion" | "prevent-all-deletion") {
                return Err(ApiError::constraint(
                    protection,
                    "DeletionProtection",
                    "Member must satisfy enum value set: [none, prevent-force-deletion, prevent-all-deletion]",
                ));
            }
            new.deletion_protection.clone_from(protection);
        }
        new.retains = shape.retains.unwrap_or(self.retains);
        if shape.max_instance_lifetime.is_some_and(|s| s != 0 && s < 86_400) {
            return Err(ApiError::invalid("MaxInstanceLifetime must be 0 or at least 86400 seconds"));
        }
        Ok(new)
    }

    /// It replaces what the load balancer calls unhealthy.
    pub(super) fn trusts_load_balancers(&self) -> bool {
        self.health_check_type.split(',').any(|kind| kind == "ELB")
    }
}

fn seconds(to: &mut u32, from: Option<i64>, parameter: &str) -> Result<(), ApiError> {
    if let Some(value) = from {
        *to = u32::try_from(value).map_err(|_| {
            ApiError::constraint(value, parameter, "Member must have value greater than or equal to 0")
        })?;
    }
    Ok(())
}

fn subnets(ids: &[String], zones: &[String], known: &[SubnetSettings]) -> Result<Vec<Subnet>, ApiError> {
    let find = |id: &String| {
        let subnet = known
            .iter()
            .find(|s| s.id == *id)
            .ok_or_else(|| ApiError::invalid(format!("The subnet ID '{id}' does not exist")))?;
        if !zones.is_empty() && !zones.contains(&subnet.zone) {
            return Err(ApiError::invalid(
                "The availability zones of the specified subnets and the Auto Scaling group do not match",
            ));
        }
        Ok(Subnet { id: subnet.id.clone(), zone: subnet.zone.clone() })
    };
    ids.iter().map(find).collect()
}

fn defaults(zones: &[String], known: &[SubnetSettings]) -> Result<Vec<Subnet>, ApiError> {
    let find = |zone: &String| {
        let subnet = known.iter().find(|s| s.zone == *zone);
        let subnet =
            subnet.ok_or_else(|| ApiError::invalid(format!("Invalid availability zones: [{zone}]")))?;
        Ok(Subnet { id: subnet.id.clone(), zone: zone.clone() })
    };
    zones.iter().map(find).collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::super::settings::Settings;
    use super::*;

    fn with(shape: &Shape) -> Result<Config, ApiError> {
        Config::default().with(shape, &Settings::default().subnets)
    }

    #[test]
    fn zones_and_subnets_are_looked_up() {
        let by_zone = with(&Shape { zones: vec!["us-east-1b".into()], ..Shape::default() }).unwrap();
        assert_eq!(by_zone.subnets[0].id, "subnet-0000000000000000b");
        let subnet = "subnet-0000000000000000a".to_string();
        let both = Shape { zones: vec!["us-east-1b".into()], subnets: vec![subnet], ..Shape::default() };
        assert!(with(&both).unwrap_err().message.contains("do not match"));
        assert!(with(&Shape { zones: vec!["mars-1a".into()], ..Shape::default() }).is_err());
    }

    #[test]
    fn what_is_not_said_stays() {
        let first = with(&Shape { default_cooldown: Some(7), retains: Some(true), ..Shape::default() });
        let second = first.unwrap().with(&Shape::default(), &[]).unwrap();
        assert_eq!((second.default_cooldown, second.retains), (7, true));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for shape in [
            Shape { default_cooldown: Some(-1), ..Shape::default() },
            Shape { health_check_type: Some("PRAYER".into()), ..Shape::default() },
            Shape { deletion_protection: Some("maybe".into()), ..Shape::default() },
            Shape { max_instance_lifetime: Some(60), ..Shape::default() },
        ] {
            assert_eq!(with(&shape).unwrap_err().code.as_str(), "ValidationError", "{shape:?}");
        }
    }
}
