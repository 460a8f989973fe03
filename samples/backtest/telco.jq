# How a row of the telco churn set stands in for the three factors of copilot_v1. The set has no usage
# over time, tickets or renewal dates; these are the nearest things it has.
([.OnlineSecurity, .OnlineBackup, .DeviceProtection, .TechSupport, .StreamingTV, .StreamingMovies]
 | map(select(. == "Yes")) | length) as $services
| {
    # how much of the product is in use
    trend: (if $services >= 4 then "up" elif $services >= 2 then "flat" else "down" end),
    # nobody to ask, and the line with the most faults
    open_tickets: (if .TechSupport == "Yes" then 0 elif .InternetService == "Fiber optic" then 4 else 1 end),
    # a month-to-month contract can end any day
    renewal_days: ({"Month-to-month": 20, "One year": 120, "Two year": 400}[.Contract])
  }
