#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    danecheck_core::fuzzing::text(data);
    danecheck_validation::fuzzing::text(data);
    danecheck::fuzzing::text(data);
});
