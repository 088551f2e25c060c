//! What OpenTelemetry's variables of the environment say, as far as the trigger
//! has to know it. The rest (headers, sampling, intervals, attributes of the
//! resource) is read by its SDK.

use std::time::Duration;

use anyhow::{Context, Result, bail};

/// The one protocol that is spoken.
const PROTOCOL: &str = "http/protobuf";

/// For one batch, unless `OTEL_EXPORTER_OTLP_TIMEOUT` says otherwise.
const DEFAULT_PATIENCE: Duration = Duration::from_secs(10);

/// The most of it. Guards the memory of batches that wait.
const MOST_PATIENCE: Duration = Duration::from_secs(600);

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Signal {
    Traces,
    Metrics,
}

impl Signal {
    const fn name(self) -> &'static str {
        match self {
            Self::Traces => "TRACES",
            Self::Metrics => "METRICS",
        }
    }
}

/// What is sent, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::trigger) struct Settings {
    spans: bool,
    metrics: bool,
    encrypted: bool,
    names_service: bool,
    patience: Duration,
}

impl Settings {
    /// Reads the environment. None where nothing is to be sent: without an
    /// endpoint, or with `OTEL_SDK_DISABLED`.
    ///
    /// # Errors
    /// A variable whose value, or which itself, is not served.
    pub(in crate::trigger) fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Option<Self>> {
        let variable = |name: &str| variable(name).filter(|value| !value.is_empty());
        if variable("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
            return Ok(None);
        }
        let spans = endpoint(&variable, Signal::Traces)?;
        let metrics = endpoint(&variable, Signal::Metrics)?;
        if spans.is_none() && metrics.is_none() {
            return Ok(None);
        }
        refuse_files(&variable)?;
        let resource = variable("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default();
        let mut attributes = resource.split(',').filter_map(|pair| pair.split_once('='));
        Ok(Some(Self {
            encrypted: spans.iter().chain(&metrics).any(|url| scheme(url) == Some("https")),
            spans: spans.is_some(),
            metrics: metrics.is_some(),
            names_service: variable("OTEL_SERVICE_NAME").is_some()
                || attributes.any(|(name, _)| name.trim() == "service.name"),
            patience: patience(&variable)?,
        }))
    }

    /// Whether spans are sent.
    pub(super) const fn spans(&self) -> bool {
        self.spans
    }

    /// Whether metrics are sent.
    pub(super) const fn metrics(&self) -> bool {
        self.metrics
    }

    /// Whether a collector is reached by HTTPS.
    pub(super) const fn encrypted(&self) -> bool {
        self.encrypted
    }

    /// Whether the environment says what the service is called.
    pub(super) const fn names_service(&self) -> bool {
        self.names_service
    }

    /// Time for one batch.
    pub(super) const fn patience(&self) -> Duration {
        self.patience
    }
}

/// Where a signal is sent to; none where it is not. What is asked for and not
/// served is an error of a signal that is sent.
fn endpoint(variable: &impl Fn(&str) -> Option<String>, signal: Signal) -> Result<Option<String>> {
    let name = signal.name();
    let names = [format!("OTEL_EXPORTER_OTLP_{name}_ENDPOINT"), "OTEL_EXPORTER_OTLP_ENDPOINT".to_owned()];
    let named = names.into_iter().find_map(|name| variable(&name).map(|url| (name, url)));
    let Some((endpoint, url)) = named else { return Ok(None) };
    let exporter = format!("OTEL_{name}_EXPORTER");
    match variable(&exporter).as_deref() {
        None | Some("otlp") => {}
        Some("none") => return Ok(None),
        Some(other) => bail!("`{exporter}={other}` is not served: set it to `otlp` or `none`"),
    }
    if scheme(&url).is_none() {
        bail!("`{endpoint}={url}` is no URL of a collector: it begins with `http://` or `https://`");
    }
    for protocol in [format!("OTEL_EXPORTER_OTLP_{name}_PROTOCOL"), "OTEL_EXPORTER_OTLP_PROTOCOL".to_owned()] {
        match variable(&protocol).as_deref() {
            None => {}
            // The signal's own variable comes before that of all.
            Some(PROTOCOL) => break,
            Some(other) => bail!(
                "`{protocol}={other}` is not served: set it to `{PROTOCOL}`, and the endpoint to where the collector listens for that (port 4318, where 4317 is for gRPC)"
            ),
        }
    }
    Ok(Some(url))
}

/// `http` or `https`.
fn scheme(url: &str) -> Option<&'static str> {
    let (written, _) = url.split_once("://")?;
    ["http", "https"].into_iter().find(|scheme| scheme.eq_ignore_ascii_case(written))
}

/// Certificates have a place of their own: where they are named for
/// OpenTelemetry alone they would be passed over.
fn refuse_files(variable: &impl Fn(&str) -> Option<String>) -> Result<()> {
    for signal in ["", "TRACES_", "METRICS_"] {
        for file in ["CERTIFICATE", "CLIENT_CERTIFICATE", "CLIENT_KEY"] {
            let name = format!("OTEL_EXPORTER_OTLP_{signal}{file}");
            if variable(&name).is_some() {
                bail!(
                    "`{name}` is not served: a collector's certificate is checked with the system's authorities, or those of `SSL_CERT_FILE`"
                );
            }
        }
    }
    Ok(())
}

fn patience(variable: &impl Fn(&str) -> Option<String>) -> Result<Duration> {
    const NAME: &str = "OTEL_EXPORTER_OTLP_TIMEOUT";
    let Some(written) = variable(NAME) else { return Ok(DEFAULT_PATIENCE) };
    let milliseconds = written.trim().parse().with_context(|| format!("`{NAME}={written}`: it is in milliseconds"))?;
    Ok(Duration::from_millis(milliseconds).min(MOST_PATIENCE))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Option<Settings>> {
        Settings::read(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
    }

    const ENDPOINT: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318");

    #[test]
    fn without_an_endpoint_nothing_is_sent() {
        assert_eq!(read(&[]).unwrap(), None);
        assert_eq!(read(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "")]).unwrap(), None);
        assert_eq!(read(&[("OTEL_SERVICE_NAME", "a"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]).unwrap(), None);
        assert_eq!(read(&[ENDPOINT, ("OTEL_SDK_DISABLED", "TRUE")]).unwrap(), None);
        assert_eq!(
            read(&[ENDPOINT, ("OTEL_TRACES_EXPORTER", "none"), ("OTEL_METRICS_EXPORTER", "none")]).unwrap(),
            None
        );
    }

    #[test]
    fn an_endpoint_is_of_both_signals_or_of_one() {
        let both = read(&[ENDPOINT, ("OTEL_SDK_DISABLED", "false")]).unwrap().unwrap();
        assert!(both.spans() && both.metrics() && !both.encrypted() && !both.names_service());
        assert_eq!(both.patience(), DEFAULT_PATIENCE);
        let spans = read(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://a/v1/traces")]).unwrap().unwrap();
        assert!(spans.spans() && !spans.metrics() && spans.encrypted());
        let metrics = read(&[("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://a/")]).unwrap().unwrap();
        assert!(!metrics.spans() && metrics.metrics());
        let metrics = read(&[ENDPOINT, ("OTEL_TRACES_EXPORTER", "none")]).unwrap().unwrap();
        assert!(!metrics.spans() && metrics.metrics());
    }

    #[test]
    fn the_service_may_be_named() {
        for named in [("OTEL_SERVICE_NAME", "a"), ("OTEL_RESOURCE_ATTRIBUTES", "x=y, service.name=a")] {
            assert!(read(&[ENDPOINT, named]).unwrap().unwrap().names_service());
        }
    }

    #[test]
    fn what_is_not_served_is_refused_with_what_to_do() {
        for (name, value, told) in [
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "http/protobuf"),
            ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "http/json", "http/protobuf"),
            ("OTEL_TRACES_EXPORTER", "zipkin", "otlp"),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "localhost:4318", "http://"),
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/ca.pem", "SSL_CERT_FILE"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s", "milliseconds"),
        ] {
            let refused = format!("{:#}", read(&[ENDPOINT, (name, value)]).unwrap_err());
            assert!(refused.contains(name) && refused.contains(told), "{refused}");
        }
        // A signal's own protocol comes first.
        let own = [
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", PROTOCOL),
            ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", PROTOCOL),
        ];
        assert!(read(&[ENDPOINT, own[0], own[1], own[2]]).is_ok());
        assert!(read(&[ENDPOINT, own[0], own[1]]).is_err());
    }

    #[test]
    fn the_time_for_a_batch_is_bounded() {
        let patience = |value| read(&[ENDPOINT, ("OTEL_EXPORTER_OTLP_TIMEOUT", value)]).unwrap().unwrap().patience();
        assert_eq!(patience("1500"), Duration::from_millis(1500));
        assert_eq!(patience("18446744073709551615"), MOST_PATIENCE);
    }
}
