# Every target is one command that also works by hand.
LAB ?= 01
SIZE ?= quick
SEED ?=
SYSTEMS ?=
MINE ?=
RUN ?= reports/out/latest
A ?=
B ?= reports/out/latest
BENCH ?=
ES ?=
FUZZ ?= 20s
GO ?= go
RACE := $(shell $(GO) env CGO_ENABLED | grep -q 1 && command -v "$$($(GO) env CC)" >/dev/null && echo -race)

# Whose tests measure containers: alone, one after the other.
ENGINE := ./docker ./apache ./labs

.DEFAULT_GOAL := help

help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "  variables: LAB=01 FUZZ=20s SIZE=smoke|quick|full SEED=n SYSTEMS=proxyd,apache,direct MINE=proxy RUN=folder A=run B=run"

lab: .build/lab ## Play one lab and write its report
	.build/lab run $(LAB) --size=$(SIZE) $(if $(SEED),--seed=$(SEED)) $(if $(SYSTEMS),--systems=$(SYSTEMS)) $(if $(MINE),--mine=$(MINE))

check: .build/lab ## Hold a run to the checks of its lab: points, evidence, hints
	.build/lab check $(RUN)

labs-list: .build/lab ## Show the labs, with goal and time
	.build/lab list

report: .build/lab ## Write the report of a run anew from its records
	.build/lab report $(RUN)

resume: .build/lab ## Play the trials that an interrupted run RUN= lacks
	.build/lab resume $(RUN)

compare: .build/lab ## Hold run B= against run A=: exit status 0, or 1 where something is worse
	.build/lab compare $(A) $(B)

check-proxy: .build/lab ## Examine your own proxy, MINE=folder, binary or image, by the course's demands
	.build/lab check-proxy $(MINE)

apache-steps: .build/lab ## Show the steps that set Apache up, to repeat by hand; ES=1 in Spanish
	.build/lab apache-steps $(if $(ES),--lang=es)

test: ## Run all tests, those on the container engine too
	@test -z "$$(gofmt -l .)" || { gofmt -d . | head -40; exit 1; }
	$(GO) vet ./...
	$(GO) test $(RACE) -timeout 15m $$($(GO) list ./... | grep -vxF "$$($(GO) list $(ENGINE))")
	$(GO) test $(RACE) -p 1 -timeout 10m $(ENGINE)

# The end of its time is an error to go test now and then; a finding says more.
fuzz: ## Fuzz each target, of every package that has some, for FUZZ=20s
	@mkdir -p .build; for p in $$(grep -rl --include='*_test.go' '^func Fuzz' . | xargs -n 1 dirname | sort -u); do \
		for f in $$($(GO) test -list '^Fuzz' $$p | grep '^Fuzz'); do \
			$(GO) test $$p -run '^$$' -fuzz "^$$f$$" -fuzztime $(FUZZ) -fuzzminimizetime 20x >.build/fuzz.log 2>&1 || \
				grep -q '^ *context deadline exceeded' .build/fuzz.log && ! grep -q 'Failing input' .build/fuzz.log || \
				{ cat .build/fuzz.log; exit 1; }; \
			echo $$p $$f: $$(grep execs: .build/fuzz.log | tail -n 1); \
		done; \
	done

bench: build ## Compare proxies and caches as bare processes; BENCH="--install --cases=hit"
	$(GO) build -o .build/bench ./labs/bench/cmd/bench
	.build/bench $(BENCH)

build: .build/lab ## Build proxyd and lab into .build/
	CGO_ENABLED=0 $(GO) build -trimpath -o .build/proxyd ./proxy/cmd/proxyd

clean: .build/lab ## Remove what a killed run left, and .build/
	.build/lab clean
	rm -rf .build

# go build decides by itself what is stale.
.build/lab: force
	@$(GO) build -o .build/lab ./labs/cmd/lab

force:
.PHONY: help lab check labs-list report compare resume check-proxy apache-steps test fuzz bench build clean force
