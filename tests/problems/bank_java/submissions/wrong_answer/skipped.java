class Bank {}
