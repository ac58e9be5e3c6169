import time
from tests.integration.celery.fleet import *
def test_dbg(fleet, worker, rows):
    s = fleet.submit(sleeping(60))
    t=time.time(); last=None
    while time.time()-t<6:
        r = rows("SELECT state, attempt, worker, round(extract(epoch from lease_until-now())::numeric,2) l, now()::time::text n FROM executions")[0]
        kids=[(p.pid,p.name()) for p in worker.children()]
        key=(r['state'],r['attempt'],r['worker'],tuple(kids))
        if key!=last: print(round(time.time()-t,2), r, kids); last=key
        time.sleep(.05)
    print(r)
