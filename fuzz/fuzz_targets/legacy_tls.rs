#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| danecheck::fuzzing::legacy_tls(data));
