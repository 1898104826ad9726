package balancer

// byrequests shares out requests by loadfactor: mod_lbmethod_byrequests.c,
// is_best_byrequests. A tie keeps the earlier member.
func byrequests(m, best *Member) bool {
	return m.lbstatus > best.lbstatus
}
