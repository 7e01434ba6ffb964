//! Linux and Android: what only `libc` knows how to ask of the system for datagrams. Nothing else in this room is unsafe.
#![allow(unsafe_code, reason = "segments, and sources of groups, have no safe wrappers")]

use super::life::Arrival;
use libc::{c_int, iovec, sockaddr_in6};
use std::io;
use std::mem::{offset_of, size_of, zeroed};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsRawFd as _, BorrowedFd};
use std::ptr;

/// What is said beside a datagram: how long each is of those that are put together.
#[repr(C)]
#[derive(Clone, Copy)]
struct Beside<T> {
    head: libc::cmsghdr,
    value: T,
}

/// Receives a datagram, or several of one sender that the system has put together.
pub(super) fn receive(
    socket: BorrowedFd<'_>,
    buffer: &mut [u8],
) -> io::Result<Arrival<SocketAddr>> {
    // SAFETY: these are structures of integers and pointers, of which zeros are a value.
    let (mut head, mut name, mut beside): (libc::msghdr, sockaddr_in6, Beside<c_int>) =
        unsafe { (zeroed(), zeroed(), zeroed()) };
    let mut part = iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    head.msg_name = ptr::from_mut(&mut name).cast();
    head.msg_namelen = size_of::<sockaddr_in6>() as _;
    head.msg_iov = &mut part;
    head.msg_iovlen = 1;
    head.msg_control = ptr::from_mut(&mut beside).cast();
    head.msg_controllen = size_of::<Beside<c_int>>() as _;
    // SAFETY: the header points to a name, to a place for what comes beside, and to one buffer, all of the lengths that it
    // says; all of them live until the call returns, and nobody else uses them. Whatever is written there is a value.
    let length = unsafe { libc::recvmsg(socket.as_raw_fd(), &mut head, 0) };
    let length = usize::try_from(length).map_err(|_| io::Error::last_os_error())?;
    let truncated = head.msg_flags & libc::MSG_TRUNC != 0;
    let is_size = head.msg_controllen >= size_of::<Beside<c_int>>() as _
        && (beside.head.cmsg_level, beside.head.cmsg_type) == (libc::SOL_UDP, libc::UDP_GRO);
    let each = usize::try_from(beside.value).ok().filter(|_| is_size);
    let from = address(&name).ok_or(io::ErrorKind::InvalidData)?;
    Ok(Arrival { length, truncated, from, each })
}

/// As the standard library has it.
fn address(name: &sockaddr_in6) -> Option<SocketAddr> {
    match c_int::from(name.sin6_family) {
        libc::AF_INET6 => {
            let ip = Ipv6Addr::from(name.sin6_addr.s6_addr);
            let (port, flow) = (u16::from_be(name.sin6_port), name.sin6_flowinfo);
            Some(SocketAddrV6::new(ip, port, flow, name.sin6_scope_id).into())
        }
        libc::AF_INET => {
            // The port has the same place in both, and this address is where the other has its flow.
            let ip = Ipv4Addr::from(u32::from_be(name.sin6_flowinfo));
            Some(SocketAddrV4::new(ip, u16::from_be(name.sin6_port)).into())
        }
        _ => None,
    }
}

/// As the system has it, at the beginning of a structure that has room for any.
fn named(address: SocketAddr) -> (libc::sockaddr_storage, libc::socklen_t) {
    let address = socket2::SockAddr::from(address);
    // SAFETY: `as_ptr` points to a structure of the system's kind that is initialised as a whole.
    (unsafe { *address.as_ptr().cast() }, address.len())
}

/// Sends bytes as datagrams of `size` bytes each, the last one may be shorter: all of them, or none.
pub(super) fn send_segments(
    socket: BorrowedFd<'_>,
    bytes: &[u8],
    size: u16,
    to: Option<SocketAddr>,
) -> io::Result<()> {
    // SAFETY: structures of integers and pointers, of which zeros are a value.
    let (mut head, mut beside): (libc::msghdr, Beside<u16>) = unsafe { (zeroed(), zeroed()) };
    let mut name = to.map(named);
    if let Some((name, length)) = &mut name {
        head.msg_name = ptr::from_mut(name).cast();
        head.msg_namelen = *length;
    }
    let mut part = iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    head.msg_iov = &mut part;
    head.msg_iovlen = 1;
    beside.head.cmsg_level = libc::SOL_UDP;
    beside.head.cmsg_type = libc::UDP_SEGMENT;
    beside.head.cmsg_len = (offset_of!(Beside<u16>, value) + size_of::<u16>()) as _;
    beside.value = size;
    head.msg_control = ptr::from_mut(&mut beside).cast();
    head.msg_controllen = size_of::<Beside<u16>>() as _;
    // SAFETY: the header points to a name, to what stands beside, and to one buffer, all of the lengths that it says, and
    // all of them live until the call returns. It only reads them.
    let sent = unsafe { libc::sendmsg(socket.as_raw_fd(), &head, libc::MSG_NOSIGNAL) };
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Has the system put together datagrams of one sender that have the same length.
pub(in crate::net) fn set_coalescing(socket: BorrowedFd<'_>, wanted: bool) -> io::Result<()> {
    set(socket, libc::SOL_UDP, libc::UDP_GRO, &c_int::from(wanted))
}

/// Joins what a source sends to a group, or leaves it.
pub(in crate::net) fn set_source_v6(
    socket: BorrowedFd<'_>,
    joins: bool,
    (source, group): (Ipv6Addr, Ipv6Addr),
    interface: u32,
) -> io::Result<()> {
    // SAFETY: a structure of integers, of which zeros are a value.
    let mut asked: libc::group_source_req = unsafe { zeroed() };
    asked.gsr_interface = interface;
    asked.gsr_group = named((group, 0).into()).0;
    asked.gsr_source = named((source, 0).into()).0;
    let option = if joins { libc::MCAST_JOIN_SOURCE_GROUP } else { libc::MCAST_LEAVE_SOURCE_GROUP };
    set(socket, libc::IPPROTO_IPV6, option, &asked)
}

fn set<T>(socket: BorrowedFd<'_>, level: c_int, option: c_int, value: &T) -> io::Result<()> {
    // SAFETY: `value` is there, and as long as it is said to be; the system copies it.
    let done = unsafe {
        let value = ptr::from_ref(value).cast();
        libc::setsockopt(socket.as_raw_fd(), level, option, value, size_of::<T>() as _)
    };
    if done < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
