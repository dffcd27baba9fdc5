//! What a run was measured on: the day, the machine and its limits.

use std::time::{SystemTime, UNIX_EPOCH};

use cornu_backend_cpu::Cpu;
use serde_json::{Value, json};

/// A day and a machine.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct About {
    /// As `2026-01-31`, at Greenwich.
    pub(crate) date: String,
    pub(crate) processor: String,
    pub(crate) instruction_set: String,
    pub(crate) threads: u64,
    /// Operations on f32 a second, of one core and of all.
    pub(crate) flops_of_one_core: f64,
    pub(crate) flops: f64,
    pub(crate) bytes_per_second: f64,
}

impl About {
    /// Today and this machine, whose limits are measured now.
    pub(crate) fn now() -> Result<About, String> {
        let cpu = Cpu::new().map_err(|error| error.to_string())?;
        let limits = cpu.limits();
        let days = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs() / 86_400);
        Ok(About {
            date: date(days),
            processor: processor(),
            instruction_set: cpu.instruction_set().to_string(),
            threads: cpu.threads() as u64,
            flops_of_one_core: limits.flops_of_one_core,
            flops: limits.flops,
            bytes_per_second: limits.bytes_per_second,
        })
    }

    /// The same with the higher limits of both.
    pub(crate) fn or_better(self, other: About) -> About {
        About {
            flops_of_one_core: self.flops_of_one_core.max(other.flops_of_one_core),
            flops: self.flops.max(other.flops),
            bytes_per_second: self.bytes_per_second.max(other.bytes_per_second),
            ..self
        }
    }

    pub(crate) fn json(&self) -> Value {
        json!({
            "date": self.date,
            "processor": self.processor,
            "instruction_set": self.instruction_set,
            "threads": self.threads,
            "flops_of_one_core": self.flops_of_one_core,
            "flops": self.flops,
            "bytes_per_second": self.bytes_per_second,
        })
    }

    pub(crate) fn of(json: &Value) -> Option<About> {
        let text = |key: &str| Some(json.get(key)?.as_str()?.to_string());
        let number = |key: &str| json.get(key)?.as_f64();
        Some(About {
            date: text("date")?,
            processor: text("processor")?,
            instruction_set: text("instruction_set")?,
            threads: json.get("threads")?.as_u64()?,
            flops_of_one_core: number("flops_of_one_core")?,
            flops: number("flops")?,
            bytes_per_second: number("bytes_per_second")?,
        })
    }

    /// The limits in a sentence.
    pub(crate) fn limits(&self) -> String {
        format!(
            "Multiply-adds in registers reach {:.0} GFLOP/s on one core and {:.0} GFLOP/s on {} threads; \
             `a = b + s·c` over long arrays moves {:.0} GB/s.",
            self.flops_of_one_core / 1e9,
            self.flops / 1e9,
            self.threads,
            self.bytes_per_second / 1e9,
        )
    }
}

/// What the system calls the processor, or what it is compiled for.
fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find(|line| line.starts_with("model name")).and_then(|line| line.split_once(':'));
    name.map_or(std::env::consts::ARCH, |(_, name)| name.trim()).to_string()
}

/// The date of a day since 1970-01-01, in the Gregorian calendar: years are counted from March, so that leap days come
/// last, in cycles of 400 years or 146,097 days.
fn date(days: u64) -> String {
    let days = days + 719_468;
    let (cycle, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (day, month, next) = (
        day - (153 * month + 2) / 5 + 1,
        if month < 10 { month + 3 } else { month - 9 },
        u64::from(month >= 10),
    );
    format!("{:04}-{month:02}-{day:02}", 400 * cycle + year + next)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn example() -> About {
        About {
            date: date(20_454),
            processor: "A Processor".to_string(),
            instruction_set: "avx512".to_string(),
            threads: 2,
            flops_of_one_core: 265e9,
            flops: 520e9,
            bytes_per_second: 55e9,
        }
    }

    #[test]
    fn days_have_dates() {
        assert_eq!(
            [0, 59, 11_016, 20_454].map(date),
            ["1970-01-01", "1970-03-01", "2000-02-29", "2026-01-01"]
        );
    }
}
