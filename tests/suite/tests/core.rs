//! The suite over the core itself.

use larder_suite::InProcess;

larder_suite::suite!(InProcess);
