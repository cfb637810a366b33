#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    danecheck_validation::fuzzing::dns(data);
    danecheck::fuzzing::dns(data);
});
