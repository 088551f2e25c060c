//! The behavioural suite over the host form, WASI 0.2 by the calls of descriptors.

use larder_e2e::puppet::P2;

larder_suite::suite!(P2);
