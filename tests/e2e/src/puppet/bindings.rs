//! Wasmtime's bindings of the puppets' worlds.

pub(super) mod p2 {
    wasmtime::component::bindgen!({ path: "../guests/puppet/wit", world: "puppet-guest" });
}

pub(super) mod p2_async {
    wasmtime::component::bindgen!({
        path: "../guests/puppet/wit",
        world: "puppet-guest",
        exports: { default: async },
    });
}

pub(super) mod p3 {
    wasmtime::component::bindgen!({
        path: "../guests/puppet-p3/wit",
        world: "puppet-guest",
        exports: { default: async },
    });
}
