//! A plain load on a broker: publishers and subscribers over bare TCP, so that the broker works and this program hardly does.
//!
//! With 40 publishers to one subject and one subscriber all deliveries meet at the outbound lock of one connection; with a subject and a
//! subscriber for each publisher nothing is shared. Prints when it runs, and at its end what it sent and what arrived, exactly.

use std::io::Write;
use std::time::Duration;

use anyhow::{Context, Result, bail};

mod run;

use run::Ask;

const USAGE: &str = "usage: load HOST:PORT [--publishers N] [--subjects N] [--size BYTES] [--batch N] [--rate PER_SECOND] [--for SECONDS]";
fn ask() -> Result<Ask> {
    let mut args = std::env::args().skip(1);
    let at = args.next().context(USAGE)?;
    let mut ask = Ask {
        at,
        publishers: 4,
        subjects: 1,
        size: 128,
        batch: 64,
        rate: 0,
        lasts: Duration::from_secs(10),
    };
    while let Some(flag) = args.next() {
        let value = args.next().context(USAGE)?;
        let number: u64 = value
            .parse()
            .with_context(|| format!("{flag} {value}\n{USAGE}"))?;
        match flag.as_str() {
            "--publishers" => ask.publishers = number.clamp(1, 1_000),
            "--subjects" => ask.subjects = number.clamp(1, 1_000),
            "--size" => ask.size = usize::try_from(number.min(1 << 19))?,
            "--batch" => ask.batch = number.clamp(1, 1_000),
            "--rate" => ask.rate = number,
            "--for" => ask.lasts = Duration::from_secs(number),
            _ => bail!("{flag} is no flag of this\n{USAGE}"),
        }
    }
    Ok(ask)
}

fn main() -> Result<()> {
    let ask = ask()?;
    writeln!(std::io::stdout(), "runs")?;
    let (sent, arrived) = run::run(ask)?;
    writeln!(std::io::stdout(), "sent {sent}, arrived {arrived}")?;
    Ok(())
}
