//! Wiring.

/// Runs the service until it is told to stop.
pub fn serve(_config: crate::config::Config) -> anyhow::Result<()> {
    anyhow::bail!("this build has no service")
}
