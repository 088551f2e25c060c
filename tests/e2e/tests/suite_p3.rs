//! The behavioural suite over the host form, WASI 0.3.

use larder_e2e::puppet::P3;

larder_suite::suite!(P3);
