//! natsight's own CPU time, where it is built to tell.

use crate::serve::{CaptureRefusal, Download, OwnAsk};

#[cfg(not(feature = "self-profile"))]
pub(super) async fn take(_: OwnAsk) -> Result<Download, CaptureRefusal> {
    let text =
        "this natsight is built without its own profile; build it with --features self-profile";
    Err(CaptureRefusal::NotBuilt(text.to_owned()))
}

#[cfg(feature = "self-profile")]
pub(super) async fn take(ask: OwnAsk) -> Result<Download, CaptureRefusal> {
    use std::time::{Duration, SystemTime};

    use super::download;
    use crate::profile::own::Sampler;

    let seconds = ask.seconds.unwrap_or(10.0);
    if !(1.0..=60.0).contains(&seconds) {
        let text = format!("seconds is {seconds}; it must be 1 to 60");
        return Err(CaptureRefusal::Wrong(text));
    }
    let rate = ask.rate.unwrap_or(99);
    if !(1..=999).contains(&rate) {
        let text = format!("rate is {rate}; it must be 1 to 999");
        return Err(CaptureRefusal::Wrong(text));
    }
    let form = ask.form.unwrap_or_else(|| "pb.gz".to_owned());
    let (form, ending) = download::known_form(&form)?;
    let taken = SystemTime::now();
    let sampler = Sampler::start(rate).map_err(CaptureRefusal::Busy)?;
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
    let written = tokio::task::spawn_blocking(move || {
        let captured = sampler.finish()?;
        let mut bytes = Vec::new();
        form.write(&captured, "CPU time of natsight", taken, &mut bytes)
            .map_err(|error| error.to_string())?;
        Ok(bytes)
    });
    let bytes = written
        .await
        .unwrap_or_else(|error| Err(error.to_string()))
        .map_err(CaptureRefusal::Failed)?;
    Ok(Download {
        bytes,
        ending,
        name: "natsight-cpu".to_owned(),
    })
}
