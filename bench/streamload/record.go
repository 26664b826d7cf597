package main

import (
	"bytes"
	"slices"
	"strconv"
)

// record is what becomes of the events of one `publish`. Times are those of now().
type record struct {
	run       int // tells these events from those before
	order     []int
	due       []int64
	sent      []int64
	got       []int64 // 0: not yet
	arrived   int
	again     int
	misrouted int
}

// person is the number of the stream that an event is for.
func (r *record) person(number int) int { return r.order[number%len(r.order)] }

// received notes an event by its payload, `RUN.NUMBER.` and padding.
func (r *record) received(stream int, payload []byte, at int64) {
	runText, rest, _ := bytes.Cut(payload, []byte("."))
	numberText, _, _ := bytes.Cut(rest, []byte("."))
	run, _ := strconv.Atoi(string(runText))
	number, err := strconv.Atoi(string(numberText))
	switch {
	case run != r.run: // of a time before
	case err != nil:
		r.misrouted++
	case number >= len(r.got) || r.person(number) != stream:
		r.misrouted++
	case r.got[number] != 0:
		r.again++
	default:
		r.got[number] = at
		r.arrived++
	}
}

type result struct {
	Events      int            `json:"events"`
	Lost        int            `json:"lost"`
	Again       int            `json:"again"`
	Misrouted   int            `json:"misrouted"`
	Refused     int            `json:"refused"` // by Redis
	Ended       int            `json:"ended"`   // streams, by the server
	Rate        float64        `json:"rate"`    // arrivals a second, from the first event's time to the last arrival
	P50         float64        `json:"p50"`     // ms from sending to arrival, as all below but for what they say
	P99         float64        `json:"p99"`
	Max         float64        `json:"max"`
	PlannedP99  float64        `json:"plannedP99"`  // from the time an event was due
	LateP99     float64        `json:"lateP99"`     // from the time an event was due to its sending
	BackSeconds float64        `json:"backSeconds"` // from the cut until all streams were open again
	OwnCPU      float64        `json:"ownCpu"`      // seconds
	Errors      map[string]int `json:"errors"`
}

func (r *record) summarise(answer *result) {
	var took, planned, late []int64
	var last int64
	for i, got := range r.got {
		late = append(late, r.sent[i]-r.due[i])
		if got != 0 {
			took = append(took, got-r.sent[i])
			planned = append(planned, got-r.due[i])
			last = max(last, got)
		}
	}
	answer.Events, answer.Lost = len(r.due), len(r.due)-r.arrived
	answer.Again, answer.Misrouted = r.again, r.misrouted
	if len(took) == 0 {
		return
	}
	answer.Rate = float64(r.arrived) / (float64(last-r.due[0]) / 1e9)
	answer.P50, answer.P99, answer.Max = percentile(took, 0.5), percentile(took, 0.99), percentile(took, 1)
	answer.PlannedP99, answer.LateP99 = percentile(planned, 0.99), percentile(late, 0.99)
}

// percentile is in ms.
func percentile(times []int64, share float64) float64 {
	slices.Sort(times)
	return float64(times[max(0, int(share*float64(len(times))+0.999999)-1)]) / 1e6
}
