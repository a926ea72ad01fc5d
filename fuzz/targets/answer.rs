#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| twoticks_fuzz::entries::answer(data));
