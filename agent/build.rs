//! On Windows the program says in its properties what it is and of which version, so that a technician, an installer and
//! a virus scanner can tell; and it asks for nothing that an ordinary program does not have.

use std::env;

/// Windows 7 to 11, paths longer than 260 characters, and no question for administrator rights at each start.
const MANIFEST: &str = r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<assembly xmlns="urn:schemas-microsoft-com:asm.v1" manifestVersion="1.0">
  <trustInfo xmlns="urn:schemas-microsoft-com:asm.v3">
    <security><requestedPrivileges><requestedExecutionLevel level="asInvoker" uiAccess="false"/></requestedPrivileges></security>
  </trustInfo>
  <compatibility xmlns="urn:schemas-microsoft-com:compatibility.v1">
    <application>
      <supportedOS Id="{35138b9a-5d96-4fbd-8e2d-a2440225f93a}"/>
      <supportedOS Id="{4a2f28e3-53b9-4441-ba9c-d69d4a4a6e38}"/>
      <supportedOS Id="{1f676c76-80e1-4239-95bb-83d0f6d0da78}"/>
      <supportedOS Id="{8e0f7a12-bfb3-4fe8-b9a5-48fd50a15a9a}"/>
    </application>
  </compatibility>
  <application xmlns="urn:schemas-microsoft-com:asm.v3">
    <windowsSettings>
      <longPathAware xmlns="http://schemas.microsoft.com/SMI/2016/WindowsSettings">true</longPathAware>
    </windowsSettings>
  </application>
</assembly>
"#;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=FLUXION_VERSION");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("windows") {
        return;
    }
    let version = env::var("FLUXION_VERSION")
        .or_else(|_| env::var("CARGO_PKG_VERSION"))
        .unwrap_or_default();
    let numbers = version
        .split('.')
        .map(|number| number.parse::<u64>().unwrap_or(0));
    // Four numbers of sixteen bits; the last one is not used.
    let packed = numbers
        .chain([0, 0, 0, 0])
        .take(4)
        .fold(0, |packed, number| packed << 16 | number & 0xffff);
    let mut resource = winresource::WindowsResource::new();
    resource
        .set_version_info(winresource::VersionInfo::FILEVERSION, packed)
        .set_version_info(winresource::VersionInfo::PRODUCTVERSION, packed)
        .set("FileVersion", &version)
        .set("ProductVersion", &version)
        .set("ProductName", "Fluxion Sync")
        .set("FileDescription", "Fluxion Sync agent")
        .set("OriginalFilename", "fluxion-agent.exe")
        .set_manifest(MANIFEST);
    if cfg!(not(windows)) {
        resource
            .set_windres_path("x86_64-w64-mingw32-windres")
            .set_ar_path("x86_64-w64-mingw32-ar");
    }
    if let Err(error) = resource.compile() {
        // The program is as good without.
        println!("cargo:warning=the program's version resource could not be made: {error}");
    }
}
