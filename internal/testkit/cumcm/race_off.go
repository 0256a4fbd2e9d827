//go:build !race

package cumcm

// raceDetector is off in this build.
const raceDetector = false
