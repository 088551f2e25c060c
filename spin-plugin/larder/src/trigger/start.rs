//! From what `spin up` said to what is to be run: everything is read, opened
//! and compiled here, so that what is wrong is told before anything runs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use larder_spin_app::TRIGGER_TYPE;
use larder_spin_app::config::{Config, Route, Trigger, TriggerKind};
use larder_spin_app::hosts::AllowedHosts;
use larder_spin_app::launch::{Chosen, Launch};
use larder_spin_app::lock::{Component, LockedApp, MOST_LOCK_BYTES, SERVICE_CHAINING};
use larder_spin_app::route::{Pattern, Router};
use larder_spin_app::variables::Variables;

use super::background::Background;
use super::files;
use super::flags::Flags;
use super::logs::{Follow, Logs};
use super::settings::Settings;
use super::site::{Info, Site, Target};
use super::volumes::Volumes;
use crate::input::{read_bounded, read_text};
use crate::runtime::{
    App, AppBytes, DEFAULT_REQUEST_TIMEOUT, Engines, GuestSetup, InstanceLimits, Instances, Outgoing, Runtime, Slots,
    Spin, Within,
};
use crate::volumes::{MountTable, VolumeSet};

/// Until a response ends that has begun, unless `--response-timeout` says
/// otherwise.
const DEFAULT_RESPONSE_TIMEOUT: Duration = Duration::from_secs(600);

/// How long an instance without a request is kept, unless
/// `--idle-instance-timeout` says otherwise: Spin's default.
const DEFAULT_IDLE: Duration = Duration::from_secs(1);

/// The route of a component that another one asks, whatever the path.
const EVERYTHING: &str = "/...";

/// Places in the pool besides those of instances that answer: commands, and
/// instances that are about to end.
const MORE_PLACES: usize = 64;

/// An app, ready to run.
pub(super) struct Ready {
    /// The app's name.
    pub(super) name: String,
    pub(super) runtime: Arc<Runtime>,
    pub(super) volumes: VolumeSet,
    /// What metrics tell of, and what each is called.
    pub(super) counted: Vec<(String, Arc<larder_core::Volume>)>,
    /// What the file commands of other processes may ask for, and where they
    /// look for it.
    pub(super) served: larder_socket::Volumes,
    pub(super) state: Option<PathBuf>,
    pub(super) slots: Arc<Slots>,
    /// None where no trigger serves HTTP.
    pub(super) site: Option<Arc<Site>>,
    pub(super) background: Vec<Background>,
    /// Where components' output goes, besides the terminal.
    pub(super) logs: Option<PathBuf>,
}

/// Gets everything ready.
///
/// # Errors
/// What keeps the app from being run as it asks.
pub(super) fn start(flags: &Flags) -> Result<Ready> {
    let here = std::env::current_dir().context("there is no current directory")?;
    let launch = Launch::read(|name| std::env::var_os(name), &here)?;
    let app = read_lock(launch.lock_file())?;
    app.check_requirements(TRIGGER_TYPE, &[SERVICE_CHAINING])?;
    let config = Config::read(&app)?;
    let settings = flags.runtime_config_file.as_deref().map(Settings::read).transpose()?.unwrap_or_default();
    let variables = read_variables(flags, &launch, &app)?;
    let state = launch.state_directory(Chosen {
        flag: flags.state_dir.as_deref(),
        file: settings.state_dir.as_deref(),
        current_directory: &here,
    });
    let log_directory = launch.log_directory(
        Chosen { flag: flags.log_dir.as_deref(), file: settings.log_dir.as_deref(), current_directory: &here },
        state.as_deref(),
    );
    let mut starting = Starting {
        flags,
        app: &app,
        variables: &variables,
        runtime: Arc::new(Runtime::new(&flags.cache(), engines(flags))?),
        slots: Arc::new(Slots::new(flags.max_instance_count)),
        volumes: Volumes::new(&config, state.clone(), &flags.remote),
        logs: Logs::new(log_directory.clone(), follow(flags, &app)?, flags.truncate_logs)?,
        compiled: BTreeMap::new(),
        within: Arc::default(),
    };
    let (router, components, background) = starting.triggers(&config)?;
    for written in &flags.key_value {
        let (key, value) = read_pair("--key-value", written)?;
        starting.volumes.put(&key, value.as_bytes())?;
    }
    let Starting { runtime, slots, volumes, within, .. } = starting;
    let site = (!components.is_empty()).then(|| {
        let everything = Pattern::parse(EVERYTHING)?;
        let scheme = if flags.tls_cert.is_some() { "https" } else { "http" };
        anyhow::Ok(Arc::new(Site::new(router, components, everything, Info::of(&app.metadata), scheme)))
    });
    let site = site.transpose()?;
    if let Some(site) = &site {
        let site: Arc<dyn Within> = Arc::clone(site) as Arc<dyn Within>;
        // It is set nowhere else.
        let _ = within.set(Arc::downgrade(&site));
    }
    let (counted, served) = (volumes.for_metrics(), volumes.for_others());
    let volumes = volumes.into_set();
    let name = app.metadata.name.clone().unwrap_or_else(|| "app".to_owned());
    Ok(Ready { name, runtime, volumes, counted, served, state, slots, site, background, logs: log_directory })
}

/// Fails unless an app is a command, in the words of a manifest.
fn check_command(app: &App) -> Result<()> {
    match app.check_command() {
        Err(_) if app.serves_http() => bail!(
            "it serves `wasi:http`, and a command is a component with `wasi:cli/run`: leave out `kind = \"command\"`, and write a `route`"
        ),
        checked => checked,
    }
}

fn engines(flags: &Flags) -> Engines {
    let places = flags.max_instance_count.saturating_add(MORE_PLACES);
    Engines { p3: true, pool: (!flags.disable_pooling).then_some(places), spin: true }
}

fn read_lock(path: &Path) -> Result<LockedApp> {
    let bytes = read_bounded(path, MOST_LOCK_BYTES as u64).context("`spin up` wrote no lock file that can be read")?;
    Ok(LockedApp::parse(&bytes)?)
}

/// The largest file that gives a variable its value, and the largest `.env`.
const MOST_VALUES_BYTES: u64 = 1 << 20;

/// Values of variables: from the command line, the environment, and the file
/// `.env` of a local app, as in Spin.
fn read_variables(flags: &Flags, launch: &Launch, app: &LockedApp) -> Result<Variables> {
    let mut given = BTreeMap::new();
    for written in &flags.variable {
        let (name, value) = read_pair("--variable", written)?;
        given.insert(name, value);
    }
    let mut file = BTreeMap::new();
    if let Some(path) = launch.app_directory().map(|app| app.join(".env")).filter(|path| path.is_file()) {
        let text = read_text(&path, MOST_VALUES_BYTES)?;
        for pair in dotenvy::from_read_iter(text.as_bytes()) {
            let (name, value) = pair.with_context(|| format!("{} has a line that is none", path.display()))?;
            file.insert(name, value);
        }
    }
    let environment = |name: &str| std::env::var_os(name).or_else(|| file.get(name).map(Into::into));
    Ok(Variables::resolve(&app.variables, &given, environment)?)
}

/// `NAME=VALUE`, or `NAME=@FILE`.
fn read_pair(flag: &str, written: &str) -> Result<(String, String)> {
    let (name, value) =
        written.split_once('=').with_context(|| format!("`{flag}` is NAME=VALUE or NAME=@FILE: the `=` is missing"))?;
    let value = match value.strip_prefix('@') {
        Some(file) => {
            read_text(Path::new(file), MOST_VALUES_BYTES).with_context(|| format!("`{flag} {name}=@{file}`"))?
        }
        None => value.to_owned(),
    };
    Ok((name.to_owned(), value))
}

fn follow(flags: &Flags, app: &LockedApp) -> Result<Follow> {
    if let Some(unknown) = flags.follow.iter().find(|name| app.component(name).is_none()) {
        let known: Vec<&str> = app.components_of(TRIGGER_TYPE).map(|component| component.id.as_str()).collect();
        bail!("`--follow {unknown}`: there is no such component; there are {}", known.join(", "));
    }
    Ok(match flags.quiet {
        true => Follow::Nobody,
        false if flags.follow.is_empty() => Follow::All,
        false => Follow::Only(flags.follow.clone()),
    })
}

/// What triggers are made ready with.
struct Starting<'a> {
    flags: &'a Flags,
    app: &'a LockedApp,
    variables: &'a Variables,
    runtime: Arc<Runtime>,
    slots: Arc<Slots>,
    volumes: Volumes<'a>,
    logs: Logs,
    /// By component, and whether its files are elsewhere.
    compiled: BTreeMap<(String, bool), App>,
    /// Answers requests among components, once everything is ready.
    within: Arc<OnceLock<Weak<dyn Within>>>,
}

/// Routes, targets by component, and commands.
type Triggers = (Router<Arc<Target>>, BTreeMap<String, Arc<Target>>, Vec<Background>);

impl Starting<'_> {
    /// Makes all triggers ready.
    fn triggers(&mut self, config: &Config) -> Result<Triggers> {
        let mut router = Router::new();
        let mut components = BTreeMap::new();
        let mut background = Vec::new();
        for trigger in &config.triggers {
            let place = || format!("`{}` ({})", trigger.component, trigger.id);
            let (app, setup) = self.prepare(trigger).with_context(place)?;
            let component = trigger.component.clone();
            let route = match &trigger.kind {
                TriggerKind::Command { schedule, .. } => {
                    check_command(&app).with_context(place)?;
                    background.push(Background { component, app, setup, schedule: *schedule });
                    continue;
                }
                TriggerKind::Http { route } => route,
            };
            let target = Arc::new(self.target(trigger, &app, setup).with_context(place)?);
            if let Route::Public(pattern) = route
                && router.add(pattern.clone(), Arc::clone(&target)).is_err()
            {
                bail!("{}: another trigger has the route {} as well", place(), pattern.raw());
            }
            // Of several triggers, the first answers other components.
            components.entry(component).or_insert(target);
        }
        Ok((router, components, background))
    }

    /// The compiled component of a trigger, and what its instances are made
    /// with.
    fn prepare(&mut self, trigger: &Trigger) -> Result<(App, GuestSetup)> {
        let id = &trigger.component;
        let component = self.app.component(id).with_context(|| format!("there is no component `{id}`"))?;
        let mut mounts = MountTable::default();
        files::mount(component, self.flags.allow_transient_write, self.volumes.set(), &mut mounts)?;
        self.volumes.mount(trigger, &mut mounts)?;
        let outgoing = Outgoing::To { hosts: Arc::new(self.hosts(component)?), within: Arc::clone(&self.within) };
        let app = self.compile(component, mounts.has_remote())?;
        let mut arguments = vec![format!("{id}.wasm")];
        if let TriggerKind::Command { args, .. } = &trigger.kind {
            arguments.extend(args.iter().cloned());
        }
        let setup = GuestSetup {
            arguments,
            environment: component.env.0.clone().into_iter().collect(),
            mounts,
            memory: self.flags.memory(),
            stdio: self.logs.of(id)?,
            outgoing,
            spin: Spin {
                variables: Arc::new(self.variables.of_component(id, &component.config)?),
                stores: self.volumes.stores(&component.metadata.key_value_stores)?,
            },
        };
        Ok((app, setup))
    }

    fn compile(&mut self, component: &Component, is_remote: bool) -> Result<App> {
        let key = (component.id.clone(), is_remote);
        if let Some(app) = self.compiled.get(&key) {
            return Ok(app.clone());
        }
        if let Some(import) = component.dependencies.keys().next() {
            bail!(
                "the component has `dependencies` (`{import}`), which this version of Larder does not compose: compose them when it is built (`wac plug`), and leave `dependencies` out"
            );
        }
        let source = component.source.content.path().context("`source`")?;
        let mut bytes = AppBytes::read(&source)?.componentized()?;
        if is_remote {
            bytes = bytes.forwarding()?;
        }
        let app = App::compile(&self.runtime, &bytes)?;
        self.compiled.insert(key, app.clone());
        Ok(app)
    }

    fn hosts(&self, component: &Component) -> Result<AllowedHosts> {
        let metadata = &component.metadata;
        if !metadata.allowed_http_hosts.is_empty() {
            bail!(
                "`allowed_http_hosts` is of the manifest's version 1: write `allowed_outbound_hosts = [\"https://example.org\"]`"
            );
        }
        let ids: Vec<&str> = self.app.components.iter().map(|component| component.id.as_str()).collect();
        let hosts = AllowedHosts::parse(&component.id, &metadata.allowed_outbound_hosts, self.variables, &ids);
        let hosts = hosts.map_err(|errors| {
            let all: Vec<String> = errors.iter().map(ToString::to_string).collect();
            anyhow::anyhow!(all.join("\n"))
        })?;
        if hosts.names_self() {
            bail!(
                "`allowed_outbound_hosts` has `self`, and requests without a host are not served: ask `http://COMPONENT.spin.internal` instead"
            );
        }
        Ok(hosts)
    }

    fn target(&self, trigger: &Trigger, app: &App, setup: GuestSetup) -> Result<Target> {
        let flags = self.flags;
        let limits = InstanceLimits {
            request_timeout: flags.request_timeout.unwrap_or(DEFAULT_REQUEST_TIMEOUT),
            response_timeout: flags.response_timeout.unwrap_or(DEFAULT_RESPONSE_TIMEOUT),
            idle: flags.idle_instance_timeout.unwrap_or(DEFAULT_IDLE),
            requests: flags.max_instance_reuse_count,
            concurrent: flags.max_instance_concurrent_reuse_count,
        };
        let component = trigger.component.clone();
        let description = self.app.component(&component).and_then(|component| component.metadata.description.clone());
        if app.check_command().is_ok() && !app.serves_http() {
            bail!(
                "it is a command (`wasi:cli/run`), and a route needs a component that serves `wasi:http`: write `kind = \"command\"`, and leave out `route`"
            );
        }
        let instances = Instances::new(&component, &self.runtime, app, setup, &self.slots, limits)?;
        Ok(Target { component, description, instances })
    }
}
