//go:build race

package cumcm

// raceDetector is on in this build.
const raceDetector = true
