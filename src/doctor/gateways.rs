//! What gateways are declared to carry, against what the groups behind them bring at their maximum.

use super::report::Check;
use super::report::Family::Gateways;
use crate::config::Config;
use crate::decide::gateway::load::{self, Load, MAY_BE_PLANNED, MILLI};
use crate::decide::gateway::words::Gateway;

/// One for each gateway. Asks nobody.
#[must_use]
pub fn checks(config: &Config) -> Vec<Check> {
    config.gateways.values().map(|gateway| check(config, gateway)).collect()
}

fn check(config: &Config, gateway: &Gateway) -> Check {
    let Gateway { name, unit, declared, .. } = gateway;
    let behind = config.groups.values().flat_map(|group| {
        let gates = group.bounds.gates.iter().filter(|gate| *gate.gateway == **name);
        gates.map(|gate| load::of(group.max, gate.load))
    });
    let planned = behind.fold(0, u64::saturating_add);
    if planned == 0 {
        return Check::ok(Gateways, name, format!("declared {declared} {unit}; no group has a gate for it"));
    }
    let load = Load { confirmed: u64::from(*declared) * MILLI, planned, unplanned: 0 };
    let seen = format!(
        "declared {declared} {unit}, of which {} may be planned; the groups' maxima bring {}",
        load::shown(load.may()),
        load::shown(planned)
    );
    if load.may() >= planned {
        return Check::ok(Gateways, name, seen);
    }
    let enough = load.needed(0);
    let fix = format!(
        "gateways.{name}.declared = {enough} if it carries as much ({MAY_BE_PLANNED} % of that may be planned), or \
         {enough} asked for ahead of a peak (muster gateway request)"
    );
    Check::warn(Gateways, name, format!("{seen}: launches wait before that"), fix)
}

#[cfg(test)]
mod tests {
    use super::super::report::Outcome;
    use super::*;

    fn of(declared: u32, gates: &str) -> Check {
        let text = format!(
            "[aws]\nregion = \"us-east-1\"\n[gateways.core]\nkind = \"transit-gateway\"\n\
             transit_gateway_id = \"tgw-0123456789abcdef0\"\nunit = \"Gbit/s\"\ndeclared = {declared}\n\
             [groups.web]\nmax = 1600\nprobes = [{{ kind = \"tcp\", port = 80 }}]\nbounds = {{ {gates} }}\n\
             [groups.web.launch]\nimage = \"ami-1\"\ninstance_type = \"m5.large\"\n\
             subnets = [{{ id = \"subnet-a\", zone = \"us-east-1a\" }}]\n"
        );
        let config = Config::parse("muster.toml", &text, &Vec::new()).map_err(|p| p.to_string()).unwrap();
        checks(&config).remove(0)
    }

    #[test]
    fn the_maxima_of_all_groups_fit_into_four_fifths_or_the_number_is_told() {
        // 1,600 at a twentieth bring 80: four fifths of 100.
        let gates = "gates = [{ gateway = \"core\", load = 0.05 }]";
        assert_eq!(of(100, gates).outcome, Outcome::Ok);
        for declared in [99, 0] {
            let short = of(declared, gates);
            assert_eq!(short.outcome, Outcome::Warn, "{short:?}");
            assert!(short.fix.unwrap().starts_with("gateways.core.declared = 100 "));
        }
        assert_eq!(of(0, "").outcome, Outcome::Ok, "nothing goes through it");
    }
}
