#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| danecheck_core::fuzzing::evidence(data));
