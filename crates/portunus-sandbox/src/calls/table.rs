//! Which calls are denied, and why.

/// What a proxy never calls.
pub(super) const DENIED: &[i64] = &[
    // Looking into other processes, and acting in them.
    libc::SYS_kcmp,
    libc::SYS_perf_event_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_process_madvise,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_ptrace,
    // Code in the kernel, and doors to it that were often open by mistake.
    libc::SYS_bpf,
    libc::SYS_delete_module,
    libc::SYS_finit_module,
    libc::SYS_init_module,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
    libc::SYS_kexec_file_load,
    libc::SYS_kexec_load,
    libc::SYS_userfaultfd,
    // Keys of the kernel, which are not divided by containers.
    libc::SYS_add_key,
    libc::SYS_keyctl,
    libc::SYS_request_key,
    // Other views of the system.
    libc::SYS_chroot,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_pivot_root,
    libc::SYS_setns,
    libc::SYS_umount2,
    libc::SYS_unshare,
    // Programs that lie in no folder, where no rule for files holds. Without `memfd_create`, `execve` has none either.
    libc::SYS_execveat,
    libc::SYS_memfd_create,
    // Files by number, past the folders that they lie in.
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    // Watching all files of the system.
    libc::SYS_fanotify_init,
    libc::SYS_fanotify_mark,
    // The machine.
    libc::SYS_acct,
    libc::SYS_adjtimex,
    libc::SYS_clock_adjtime,
    libc::SYS_clock_settime,
    libc::SYS_nfsservctl,
    libc::SYS_personality,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_reboot,
    libc::SYS_setdomainname,
    libc::SYS_sethostname,
    libc::SYS_settimeofday,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_syslog,
    libc::SYS_vhangup,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ioperm,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_iopl,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_lookup_dcookie,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_modify_ldt,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_uselib,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_ustat,
];

/// The bit that tells calls of the x32 ABI, which has the same architecture as x86-64.
pub(super) const X32: i64 = 0x4000_0000;

/// Those of them that have a number of their own there: `ptrace`, `kexec_load`, `process_vm_readv`, `process_vm_writev`,
/// `execveat`.
#[cfg(target_arch = "x86_64")]
pub(super) const DENIED_X32: &[i64] = &[X32 | 521, X32 | 528, X32 | 539, X32 | 540, X32 | 545];
#[cfg(not(target_arch = "x86_64"))]
pub(super) const DENIED_X32: &[i64] = &[];

/// Flags of `clone` that make namespaces.
pub(super) const NAMESPACES: &[i32] = &[
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWNET,
    libc::CLONE_NEWNS,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWUTS,
];

/// The families of sockets that there may be.
pub(super) const FAMILIES: &[i32] =
    &[libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK, libc::AF_UNIX];
