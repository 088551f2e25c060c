//! The behavioural suite over the host form, WASI 0.2 through streams.

use larder_e2e::puppet::P2Streams;

larder_suite::suite!(P2Streams);
