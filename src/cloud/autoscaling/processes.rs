//! `SuspendProcesses` and `ResumeProcesses`.

use super::{AwsAutoScaling, Process};
use crate::decide::event::CallError;

pub(super) async fn suspend(
    aws: &AwsAutoScaling,
    group: &str,
    processes: &[Process],
) -> Result<(), CallError> {
    // To Auto Scaling no processes mean all of them.
    if processes.is_empty() {
        return Ok(());
    }
    let request = aws
        .client
        .suspend_processes()
        .auto_scaling_group_name(group)
        .set_scaling_processes(Some(texts(processes)));
    aws.calls.make(request.send()).await.map(drop)
}

pub(super) async fn resume(
    aws: &AwsAutoScaling,
    group: &str,
    processes: &[Process],
) -> Result<(), CallError> {
    if processes.is_empty() {
        return Ok(());
    }
    let request = aws
        .client
        .resume_processes()
        .auto_scaling_group_name(group)
        .set_scaling_processes(Some(texts(processes)));
    aws.calls.make(request.send()).await.map(drop)
}

fn texts(processes: &[Process]) -> Vec<String> {
    processes.iter().map(|p| p.as_str().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{answer, error, exchanged, sent};
    use super::super::{AutoScaling, Process};
    use crate::decide::words::ErrorClass;

    const SOME: [Process; 2] = [Process::AzRebalance, Process::ReplaceUnhealthy];

    #[tokio::test]
    async fn they_are_named_one_by_one() {
        let form = sent("SuspendProcesses", "", async |aws| aws.suspend_processes("web", &SOME).await).await;
        insta::assert_snapshot!(form, @r"
        AutoScalingGroupName=web
        ScalingProcesses.member.1=AZRebalance
        ScalingProcesses.member.2=ReplaceUnhealthy
        ");
        let same = sent("ResumeProcesses", "", async |aws| aws.resume_processes("web", &SOME).await).await;
        assert_eq!(same, form);
    }

    /// To Auto Scaling none would be all.
    #[tokio::test]
    async fn none_is_none() {
        let (outcome, sent) = exchanged("200 OK", &answer("SuspendProcesses", ""), async |aws| {
            aws.suspend_processes("web", &[]).await?;
            aws.resume_processes("web", &[]).await
        })
        .await;
        assert_eq!((outcome, sent.len()), (Ok(()), 0));
    }

    #[tokio::test]
    async fn contention_is_told_from_a_refusal() {
        for (status, code, class) in [
            ("500 X", "ResourceContention", ErrorClass::Contention),
            ("400 X", "ResourceInUse", ErrorClass::Contention),
            ("400 X", "Throttling", ErrorClass::Throttle),
            ("400 X", "RateExceeded", ErrorClass::Throttle),
        ] {
            let text = error(code, "no");
            let (outcome, sent) =
                exchanged(status, &text, async |aws| aws.suspend_processes("web", &SOME).await).await;
            assert_eq!((outcome.unwrap_err().class, sent.len()), (class, 1), "{code}");
        }
    }
}
