//! Packets that get lost between a client and an instance, as far as the client notices: what is
//! lost is sent again by its TCP after growing pauses, so a loss is a delay, and many are silence.

use super::super::draw::Draw;
use super::ec2::Door;

/// What one contact with an instance meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Contact {
    pub door: Door,
    /// From the connection until the agent begins to answer, milliseconds.
    pub delay_ms: u32,
}

/// Linux sends a SYN again after 1 s, then 2 s, then 4 s. A client that waits for longer than these
/// 7 s is none of ours: a SYN lost four times is silence.
const SYN_AGAIN_MS: [u32; 3] = [1_000, 2_000, 4_000];
/// Data is sent again after at least 200 ms (`TCP_RTO_MIN`), doubling.
const DATA_AGAIN_MS: [u32; 5] = [200, 400, 800, 1_600, 3_200];

/// The time that is lost until the agent begins to answer, milliseconds, if `percent` of the packets
/// are lost each way; none if the client hears nothing at all.
pub(super) fn delay_ms(percent: f64, draw: &mut Draw) -> Option<u32> {
    if percent <= 0.0 {
        return Some(0);
    }
    let connect = tries(percent, &SYN_AGAIN_MS, draw)?;
    let request_and_answer = tries(percent, &DATA_AGAIN_MS, draw)?;
    Some(connect + request_and_answer)
}

/// Sends something until it and its answer get through.
fn tries(percent: f64, pauses: &[u32], draw: &mut Draw) -> Option<u32> {
    let mut waited = 0;
    for pause in pauses {
        let (there, back) = (draw.chance(percent), draw.chance(percent));
        if !there && !back {
            return Some(waited);
        }
        waited += pause;
    }
    let (there, back) = (draw.chance(percent), draw.chance(percent));
    (!there && !back).then_some(waited)
}

#[cfg(test)]
mod tests {
    use super::super::super::draw::Purpose;
    use super::*;

    fn delays(percent: f64) -> Vec<Option<u32>> {
        (0..20_000).map(|n| delay_ms(percent, &mut Draw::new(4, Purpose::Contact, n))).collect()
    }

    #[test]
    fn without_loss_there_is_no_delay_and_with_all_lost_only_silence() {
        assert!(delays(0.0).iter().all(|d| *d == Some(0)));
        assert!(delays(100.0).iter().all(Option::is_none));
    }

    #[test]
    fn a_lost_syn_costs_1_3_or_7_seconds() {
        let connects: Vec<Option<u32>> =
            (0..20_000).map(|n| tries(2.0, &SYN_AGAIN_MS, &mut Draw::new(4, Purpose::Contact, n))).collect();
        let count = |ms| connects.iter().filter(|d| **d == Some(ms)).count();
        // One of 2 packets is lost in 1 - 0.98^2 = 3.96 % of the tries.
        assert!((700..890).contains(&count(1_000)), "{}", count(1_000));
        assert!((15..50).contains(&count(3_000)), "{}", count(3_000));
        assert!(connects.iter().all(|d| matches!(d, None | Some(0 | 1_000 | 3_000 | 7_000))));
    }

    #[test]
    fn five_percent_make_one_contact_in_ten_a_second_late() {
        // As measured with iptables on a loopback: 5 % one way make the 90th percentile 1 s.
        let late = delays(5.0).iter().filter(|d| d.is_none_or(|ms| ms >= 1_000)).count();
        assert!((1_800..2_300).contains(&late), "{late}");
    }
}
