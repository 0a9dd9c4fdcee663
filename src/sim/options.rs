//! The command line of `muster sim`.

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use super::agents::CONFIGURE_PATH;
use super::cidr::Cidr;
use super::settings::Settings;

/// A simulated EC2 with its instances, on loopback. Prints one line of JSON when it is ready.
#[derive(Args, Clone, Debug)]
pub struct SimOptions {
    /// Address of the EC2 API; port 0 takes a free one. Loopback only: nothing is authenticated.
    #[arg(long, default_value = "127.0.0.1:0", value_parser = loopback)]
    pub listen: SocketAddr,

    /// Port on which every instance's agent answers; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    pub agent_port: u16,

    /// Path on the agent to which the configuration is pushed.
    #[arg(long, default_value = CONFIGURE_PATH)]
    pub configure_path: String,

    /// Everything that is left to chance comes from this; a random one if not given.
    #[arg(long)]
    pub seed: Option<u64>,

    /// Percentage of instances that are broken; half of those hang.
    #[arg(long, value_name = "PERCENT")]
    pub broken: Option<f64>,

    /// Percentage of calls that are throttled though the buckets would allow them.
    #[arg(long, value_name = "PERCENT")]
    pub throttle: Option<f64>,

    /// Percentage of calls that take effect and whose reply is lost.
    #[arg(long, value_name = "PERCENT")]
    pub lost_replies: Option<f64>,

    /// How many times faster than the wall time runs in here.
    #[arg(long, default_value_t = 1.0, value_parser = positive)]
    pub time_scale: f64,

    /// When the faster time began, in milliseconds since the Unix epoch; now if not given. Two
    /// programs with the same origin and scale agree on the time.
    #[arg(long, value_name = "MILLISECONDS")]
    pub origin_ms: Option<i64>,

    /// Addresses of the instances, inside 127.0.0.0/8; the first three quarters become subnets in
    /// three zones.
    #[arg(long)]
    pub cidr: Option<Cidr>,

    /// Most instances in one call, for the bound that runs are compared with.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub batch: u32,

    /// File (TOML) with everything that can be set; options given here go before it.
    #[arg(long, value_name = "FILE")]
    pub settings: Option<PathBuf>,

    /// End when standard input closes, so that a dead parent leaves nothing behind.
    #[arg(long)]
    pub exit_with_parent: bool,
}

impl SimOptions {
    /// The settings: the file's, or the defaults, changed by the options.
    ///
    /// # Errors
    /// If the file cannot be read, or the result makes no sense.
    pub fn load_settings(&self) -> anyhow::Result<Settings> {
        let mut settings = match &self.settings {
            None => Settings::default(),
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .with_context(|| format!("cannot read {}", path.display()))?;
                toml::from_str(&text).with_context(|| format!("{} is not valid", path.display()))?
            }
        };
        let set = |to: &mut f64, from: Option<f64>| *to = from.unwrap_or(*to);
        set(&mut settings.broken, self.broken);
        set(&mut settings.faults.throttle, self.throttle);
        set(&mut settings.faults.lost_replies, self.lost_replies);
        if let Some(cidr) = self.cidr {
            settings.subnets = Settings::subnets_of(cidr);
            anyhow::ensure!(
                !settings.subnets.is_empty(),
                "--cidr {cidr} is too small to be split: use /26 or wider"
            );
        }
        settings.check()?;
        Ok(settings)
    }
}

fn loopback(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr =
        text.parse().map_err(|_| "write ADDRESS:PORT, for example 127.0.0.1:4566".to_string())?;
    if address.ip().is_loopback() {
        Ok(address)
    } else {
        Err("only loopback addresses are allowed (127.x.y.z, ::1)".into())
    }
}

fn positive(text: &str) -> Result<f64, String> {
    let scale: f64 = text.parse().map_err(|_| "write a number, for example 20".to_string())?;
    if scale.is_finite() && (0.001..=10_000.0).contains(&scale) {
        Ok(scale)
    } else {
        Err("allowed are 0.001 to 10000".into())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Command {
        #[command(flatten)]
        sim: SimOptions,
    }

    fn options(arguments: &[&str]) -> Result<SimOptions, String> {
        let arguments = std::iter::once("sim").chain(arguments.iter().copied());
        Command::try_parse_from(arguments).map(|c| c.sim).map_err(|e| e.to_string())
    }

    #[test]
    fn options_go_before_the_file_and_the_file_before_the_defaults() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "broken = 5.0\nvcpu_quota = 640\n[faults]\nthrottle = 20.0\nerrors = 1.0").unwrap();
        let path = file.path().to_str().unwrap();
        let settings = options(&["--settings", path, "--broken", "10", "--cidr", "127.80.0.0/16"])
            .unwrap()
            .load_settings()
            .unwrap();
        assert_eq!((settings.broken, settings.faults.throttle, settings.faults.errors), (10.0, 20.0, 1.0));
        assert_eq!(settings.vcpu_quota, Some(640));
        let blocks: Vec<String> = settings.subnets.iter().map(|s| s.cidr.to_string()).collect();
        assert_eq!(blocks, ["127.80.0.0/18", "127.80.64.0/18", "127.80.128.0/18"]);
        assert_eq!(options(&[]).unwrap().load_settings().unwrap(), Settings::default());
    }

    #[test]
    fn impossible_options_say_what_is_allowed() {
        for (arguments, says) in [
            (["--listen", "0.0.0.0:80"], "only loopback"),
            (["--listen", "here"], "ADDRESS:PORT"),
            (["--time-scale", "0"], "0.001 to 10000"),
            (["--time-scale", "NaN"], "0.001 to 10000"),
            (["--cidr", "10.0.0.0/8"], "127.64.0.0/12"),
            (["--batch", "0"], "1..=1000"),
        ] {
            let error = options(&arguments).err().unwrap_or_default();
            assert!(error.contains(says), "{arguments:?}: {error}");
        }
        for (arguments, says) in [
            (["--broken", "101"], "broken: 101"),
            (["--throttle", "-1"], "faults.throttle"),
            (["--cidr", "127.80.0.0/27"], "/26 or wider"),
            (["--settings", "/does/not/exist"], "/does/not/exist"),
        ] {
            let joined = [format!("{}={}", arguments[0], arguments[1])];
            let error = format!("{:#}", options(&[&joined[0]]).unwrap().load_settings().unwrap_err());
            assert!(error.contains(says), "{arguments:?}: {error}");
        }
    }
}
