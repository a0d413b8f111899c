//! Whether the line costs money by the byte. Windows knows since version 8.

use std::ffi::c_void;
use std::ptr::null_mut;

use windows_sys::Win32::System::Com::{
    CLSCTX_ALL, COINIT_MULTITHREADED, CoCreateInstance, CoInitializeEx,
};
use windows_sys::core::{GUID, HRESULT};

const NETWORK_LIST_MANAGER: GUID = GUID::from_u128(0xDCB00C01_570F_4A9B_8D69_199FDBA5723B);
const NETWORK_COST_MANAGER: GUID = GUID::from_u128(0xDCB00008_570F_4A9B_8D69_199FDBA5723B);

/// `NLM_CONNECTION_COST_UNRESTRICTED`.
const UNRESTRICTED: u32 = 0x1;
/// `FIXED`, `VARIABLE`, `OVERDATALIMIT` and `ROAMING` of `NLM_CONNECTION_COST`.
const BY_THE_BYTE: u32 = 0x2 | 0x4 | 0x10000 | 0x40000;

/// What the line costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cost {
    /// Nothing by the byte.
    Unmetered,
    /// There is a limit, or each byte costs.
    Metered,
}

/// The beginning of `INetworkCostManager`.
#[repr(C)]
struct Methods {
    query_interface: usize,
    add_ref: usize,
    release: unsafe extern "system" fn(*mut c_void) -> u32,
    get_cost: unsafe extern "system" fn(*mut c_void, *mut u32, *mut c_void) -> HRESULT,
}

/// What the line to the internet costs; `None` when Windows does not know, as before version 8. May take a moment: not
/// for a thread that others wait for.
#[must_use]
pub fn cost() -> Option<Cost> {
    let mut manager: *mut c_void = null_mut();
    // SAFETY: COM is initialised on this thread first (when that was done before, nothing changes). The object is
    // released once. Its table of methods begins with the four of `Methods`, as the interface is defined.
    let cost = unsafe {
        CoInitializeEx(null_mut(), COINIT_MULTITHREADED as u32);
        let made = CoCreateInstance(
            &NETWORK_LIST_MANAGER,
            null_mut(),
            CLSCTX_ALL,
            &NETWORK_COST_MANAGER,
            &raw mut manager,
        );
        if made < 0 || manager.is_null() {
            return None;
        }
        let methods: &Methods = &**manager.cast::<*const Methods>();
        let mut cost = 0;
        let told = (methods.get_cost)(manager, &raw mut cost, null_mut());
        (methods.release)(manager);
        if told < 0 { 0 } else { cost }
    };
    if cost & BY_THE_BYTE != 0 {
        Some(Cost::Metered)
    } else if cost & UNRESTRICTED != 0 {
        Some(Cost::Unmetered)
    } else {
        None
    }
}
