package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"proxylab/loadtest"
)

type export struct {
	Samples string    `arg:"" help:"Samples of a trial, samples/01-proxyd.csv.gz in a run's folder."`
	To      string    `default:"gob" placeholder:"FORMAT" help:"gob, json or csv (${default})."`
	Attack  string    `placeholder:"NAME" help:"What plots call the trial (the file's name)."`
	Zero    time.Time `placeholder:"TIME" help:"Wall clock at the start of the schedule, as 2026-01-02T15:04:05Z (1970)."`
	Target  []string  `sep:"none" placeholder:"METHOD URL" help:"Of each target in its order (GET http://target-N/)."`
}

// Run writes to standard output.
func (e export) Run(context.Context) error {
	if !slices.Contains(loadtest.Formats(), e.To) {
		return fmt.Errorf("--to %s: unknown format\n\thint: one of %s", e.To, strings.Join(loadtest.Formats(), ", "))
	}
	for _, t := range e.Target {
		if method, url, ok := strings.Cut(t, " "); !ok || method == "" || url == "" {
			return fmt.Errorf("--target %q: not a method and a URL\n\thint: as --target 'GET http://origin-1:8080/size/1024'", t)
		}
	}
	samples, err := loadtest.ReadFile(e.Samples)
	if err != nil {
		return err
	}
	name, zero := e.Attack, e.Zero
	if name == "" {
		name = strings.TrimSuffix(e.Samples[strings.LastIndexByte(e.Samples, '/')+1:], ".csv.gz")
	}
	if zero.IsZero() {
		zero = time.Unix(0, 0).UTC()
	}
	return loadtest.WriteVegeta(os.Stdout, e.To, name, zero, e.target, samples)
}

func (e export) target(i int) (method, url string) {
	if i < len(e.Target) {
		method, url, _ = strings.Cut(e.Target[i], " ")
		return method, url
	}
	return "GET", fmt.Sprintf("http://target-%d/", i)
}
