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
