//! `wasi:sockets/tcp`: the host's connections, with their streams as streams
//! of ours.

use super::Adapter;
use super::bindings::exports::wasi::sockets::tcp::{
    self, Duration, ErrorCode, GuestTcpSocket, InputStream, IpAddressFamily, IpSocketAddress, Network, OutputStream,
    Pollable, ShutdownType, TcpSocket as Handle,
};
use super::bindings::exports::wasi::sockets::tcp_create_socket;
use super::bindings::wasi::sockets::tcp::{ShutdownType as HostShutdownType, TcpSocket as HostSocket};
use super::bindings::wasi::sockets::tcp_create_socket as host;
use super::streams::{Input, Output};

/// A socket of the host.
pub(super) struct TcpSocket(HostSocket);

impl tcp::Guest for Adapter {
    type TcpSocket = TcpSocket;
}

impl tcp_create_socket::Guest for Adapter {
    fn create_tcp_socket(family: IpAddressFamily) -> Result<Handle, ErrorCode> {
        host::create_tcp_socket(family).map(|socket| Handle::new(TcpSocket(socket)))
    }
}

impl GuestTcpSocket for TcpSocket {
    fn start_bind(&self, network: &Network, address: IpSocketAddress) -> Result<(), ErrorCode> {
        self.0.start_bind(network, address)
    }

    fn finish_bind(&self) -> Result<(), ErrorCode> {
        self.0.finish_bind()
    }

    fn start_connect(&self, network: &Network, address: IpSocketAddress) -> Result<(), ErrorCode> {
        self.0.start_connect(network, address)
    }

    fn finish_connect(&self) -> Result<(InputStream, OutputStream), ErrorCode> {
        let (input, output) = self.0.finish_connect()?;
        Ok((InputStream::new(Input::host(input)), OutputStream::new(Output::host(output))))
    }

    fn start_listen(&self) -> Result<(), ErrorCode> {
        self.0.start_listen()
    }

    fn finish_listen(&self) -> Result<(), ErrorCode> {
        self.0.finish_listen()
    }

    fn accept(&self) -> Result<(Handle, InputStream, OutputStream), ErrorCode> {
        let (socket, input, output) = self.0.accept()?;
        let (input, output) = (InputStream::new(Input::host(input)), OutputStream::new(Output::host(output)));
        Ok((Handle::new(Self(socket)), input, output))
    }

    fn local_address(&self) -> Result<IpSocketAddress, ErrorCode> {
        self.0.local_address()
    }

    fn remote_address(&self) -> Result<IpSocketAddress, ErrorCode> {
        self.0.remote_address()
    }

    fn is_listening(&self) -> bool {
        self.0.is_listening()
    }

    fn address_family(&self) -> IpAddressFamily {
        self.0.address_family()
    }

    fn set_listen_backlog_size(&self, value: u64) -> Result<(), ErrorCode> {
        self.0.set_listen_backlog_size(value)
    }

    fn keep_alive_enabled(&self) -> Result<bool, ErrorCode> {
        self.0.keep_alive_enabled()
    }

    fn set_keep_alive_enabled(&self, value: bool) -> Result<(), ErrorCode> {
        self.0.set_keep_alive_enabled(value)
    }

    fn keep_alive_idle_time(&self) -> Result<Duration, ErrorCode> {
        self.0.keep_alive_idle_time()
    }

    fn set_keep_alive_idle_time(&self, value: Duration) -> Result<(), ErrorCode> {
        self.0.set_keep_alive_idle_time(value)
    }

    fn keep_alive_interval(&self) -> Result<Duration, ErrorCode> {
        self.0.keep_alive_interval()
    }

    fn set_keep_alive_interval(&self, value: Duration) -> Result<(), ErrorCode> {
        self.0.set_keep_alive_interval(value)
    }

    fn keep_alive_count(&self) -> Result<u32, ErrorCode> {
        self.0.keep_alive_count()
    }

    fn set_keep_alive_count(&self, value: u32) -> Result<(), ErrorCode> {
        self.0.set_keep_alive_count(value)
    }

    fn hop_limit(&self) -> Result<u8, ErrorCode> {
        self.0.hop_limit()
    }

    fn set_hop_limit(&self, value: u8) -> Result<(), ErrorCode> {
        self.0.set_hop_limit(value)
    }

    fn receive_buffer_size(&self) -> Result<u64, ErrorCode> {
        self.0.receive_buffer_size()
    }

    fn set_receive_buffer_size(&self, value: u64) -> Result<(), ErrorCode> {
        self.0.set_receive_buffer_size(value)
    }

    fn send_buffer_size(&self) -> Result<u64, ErrorCode> {
        self.0.send_buffer_size()
    }

    fn set_send_buffer_size(&self, value: u64) -> Result<(), ErrorCode> {
        self.0.set_send_buffer_size(value)
    }

    fn subscribe(&self) -> Pollable {
        self.0.subscribe()
    }

    fn shutdown(&self, direction: ShutdownType) -> Result<(), ErrorCode> {
        self.0.shutdown(match direction {
            ShutdownType::Receive => HostShutdownType::Receive,
            ShutdownType::Send => HostShutdownType::Send,
            ShutdownType::Both => HostShutdownType::Both,
        })
    }
}
