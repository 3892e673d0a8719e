//! natsight's own CPU time, where it is built to tell.

use crate::serve::{CaptureRefusal, Download, OwnAsk};

#[cfg(not(feature = "self-profile"))]
pub(super) async fn take(_: OwnAsk) -> Result<Download, CaptureRefusal> {
    let text =
        "this natsight is built without its own profile; build it with --features self-profile";
    Err(CaptureRefusal::NotBuilt(text.to_owned()))
}

#[cfg(feature = "self-profile")]
pub(super) async fn take(wanted: OwnAsk) -> Result<Download, CaptureRefusal> {
    use std::time::SystemTime;

    use super::{ask, download};
    use crate::profile::own::Sampler;

    let (span, rate) = (ask::span(wanted.seconds)?, ask::rate(wanted.rate)?);
    let form = wanted.form.unwrap_or_else(|| "pb.gz".to_owned());
    let (form, ending) = download::known_form(&form)?;
    let taken = SystemTime::now();
    let sampler = Sampler::start(rate).map_err(CaptureRefusal::Busy)?;
    tokio::time::sleep(span).await;
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
